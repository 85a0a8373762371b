"""Losses of tasks: exact predictions, closed forms, missing values, extremes."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainables.config.tasks import TaskConfig, TaskName
from trainables.edgewise import losses
from trainables.losses.depth import depth_berhu, largest_error
from trainables.losses.normals import normals_cosine, normals_l1
from trainables.losses.task_terms import berhu_errors, task_term
from trainables.losses.term import LossTerm

GENERATOR = torch.Generator().manual_seed(0)
DEPTH = 0.5 + 5 * torch.rand(2, 6, 8, generator=GENERATOR)
NORMALS = torch.nn.functional.normalize(torch.randn(2, 3, 6, 8, generator=GENERATOR), dim=1)
BINARY = (torch.rand(2, 6, 8, generator=GENERATOR) < 0.3).byte()
PARTS = torch.randint(0, 4, (2, 6, 8), generator=GENERATOR).byte()
VALID = torch.ones(2, 6, 8, dtype=torch.bool)
SURE = 200.0
"""A logit beyond which float32 has no other probability than 0 and 1."""


def exact(task: TaskName) -> tuple[Tensor, Tensor]:
    """The map of a head that is right everywhere, and the true map."""
    match task:
        case "depth":
            return DEPTH.unsqueeze(1), DEPTH
        case "normals":
            return NORMALS, NORMALS
        case "parts":
            return SURE * torch.nn.functional.one_hot(PARTS.long(), 4).permute(0, 3, 1, 2), PARTS
        case _:
            return SURE * (2.0 * BINARY.unsqueeze(1) - 1), BINARY


def value(task: TaskName, predicted: Tensor, true: Tensor, **fields: str) -> LossTerm:
    return task_term(TaskConfig(**fields), task, predicted.float(), true)  # type: ignore[arg-type]


KINDS: list[tuple[TaskName, dict[str, str]]] = [
    ("edge", {}),
    ("depth", {}),
    ("depth", {"depth_loss": "berhu"}),
    ("normals", {}),
    ("normals", {"normals_loss": "cosine"}),
    ("saliency", {}),
    ("saliency", {"variant": "released"}),
    ("parts", {}),
]


@pytest.mark.parametrize(("task", "fields"), KINDS)
def test_an_exact_prediction_has_no_loss_and_no_gradient(
    task: TaskName, fields: dict[str, str]
) -> None:
    predicted, true = exact(task)
    predicted = predicted.clone().float().requires_grad_()
    term = value(task, predicted, true, **fields)
    assert term.total.item() == 0
    term.total.backward()
    assert predicted.grad is not None
    assert not predicted.grad.any()


@pytest.mark.parametrize(("task", "fields"), KINDS)
def test_a_missing_value_counts_nowhere(task: TaskName, fields: dict[str, str]) -> None:
    """Whatever is predicted there; an image without any adds nothing, and never NaN."""
    predicted, true = exact(task)
    missing = 0 if task in ("depth", "normals") else 255
    one = value(task, 0.5 * predicted.float() + 0.1, true, **fields)
    first = value(task, 0.5 * predicted[:1].float() + 0.1, true[:1], **fields)
    gone, wild = true.clone(), (0.5 * predicted.float() + 0.1).requires_grad_()
    gone[1:] = missing
    with torch.no_grad():
        wild[1:] = 1e4
    term = value(task, wild, gone, **fields)
    assert term.total.item() == pytest.approx(first.total.item(), rel=1e-5)
    if task != "edge" and fields.get("variant") != "released":  # the divisors of these: all pixels
        assert term.count.item() == first.count.item() < one.count.item()
    term.total.backward()
    assert wild.grad is not None
    assert not wild.grad[1:].any()
    nothing = value(task, wild, torch.full_like(true, missing), **fields)
    assert nothing.value().item() == 0


def test_berhu_is_that_of_the_paper() -> None:
    """Laina et al., Eq. 2, pixel by pixel, with c = max |e| / 5 over both images."""
    predicted = DEPTH + torch.randn(2, 6, 8, generator=GENERATOR)
    errors = (predicted - DEPTH).abs().double().flatten().tolist()
    c = max(errors) / 5
    expected = sum(e if e <= c else (e * e + c * c) / (2 * c) for e in errors)
    term = depth_berhu(predicted, DEPTH, VALID)
    assert term.total.item() == pytest.approx(expected, rel=1e-6)
    assert term.count.item() == len(errors)
    assert 0 < sum(e <= c for e in errors) < len(errors)


def test_berhus_c_is_of_all_ranks_images() -> None:
    predicted = DEPTH + torch.tensor([0.1, 3.0]).view(2, 1, 1)
    both = depth_berhu(predicted, DEPTH, VALID)
    largest = largest_error(predicted, DEPTH, VALID)
    shares = [
        depth_berhu(predicted[i : i + 1], DEPTH[i : i + 1], VALID[:1], largest=largest)
        for i in (0, 1)
    ]
    assert sum(share.total for share in shares) == pytest.approx(both.total.item(), rel=1e-6)
    alone = depth_berhu(predicted[:1], DEPTH[:1], VALID[:1])
    assert alone.total.item() != pytest.approx(shares[0].total.item(), rel=0.1)
    maps: list[dict[TaskName, Tensor]] = [{"depth": predicted.unsqueeze(1)}, {}]
    found = berhu_errors(TaskConfig(depth_loss="berhu"), maps, {"depth": DEPTH})
    assert found is not None
    assert found.tolist() == [largest.item(), 0]
    assert berhu_errors(TaskConfig(), maps, {"depth": DEPTH}) is None


@pytest.mark.parametrize("angle", [1e-3, 0.5, math.pi / 2, math.pi])
def test_normals_are_compared_by_their_direction(angle: float) -> None:
    true = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).view(1, 3, 1, 1)
    turned = torch.tensor([math.sin(angle), 0.0, math.cos(angle)], dtype=torch.float64)
    predicted, valid = 7 * turned.view(1, 3, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)
    # 1 - cos, in the form that is right at small angles.
    cosine = normals_cosine(predicted, true, valid).value().item()
    assert cosine == pytest.approx(2 * math.sin(angle / 2) ** 2, rel=1e-9)
    mean = (abs(math.sin(angle)) + 1 - math.cos(angle)) / 3
    assert normals_l1(predicted, true, valid).value().item() == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("loss", [normals_l1, normals_cosine])
def test_a_prediction_of_no_direction_has_a_bounded_gradient(
    loss: Callable[..., LossTerm],
) -> None:
    predicted = torch.zeros(2, 3, 6, 8, requires_grad=True)
    term = loss(predicted, NORMALS, VALID)
    term.value().backward()
    assert predicted.grad is not None
    assert bool(predicted.grad.isfinite().all())
    assert predicted.grad.abs().max() < 1e5


@pytest.mark.parametrize("task", ["depth", "normals"])
def test_a_prediction_that_is_not_finite_or_of_another_shape_is_refused(task: TaskName) -> None:
    predicted, true = exact(task)
    with pytest.raises(ValueError, match="must be finite, got nan"):
        value(task, predicted * torch.nan, true)
    with pytest.raises(ValueError, match="of shape"):
        value(task, predicted[..., :5], true)


def test_the_functions_have_the_values_of_the_terms() -> None:
    """``edgewise.losses``, for any training: with one channel or none."""
    predicted = DEPTH.unsqueeze(1) + 0.3
    depth_valid = DEPTH > 1
    known = DEPTH.where(depth_valid, 0)
    assert losses.depth_l1(predicted, known, depth_valid) == pytest.approx(0.3, rel=1e-5)
    berhu = value("depth", predicted, known, depth_loss="berhu").value()
    assert losses.depth_berhu(predicted[:, 0], known, depth_valid) == berhu
    logits, normals = torch.randn(2, 1, 6, 8, generator=GENERATOR), NORMALS.flip(1)
    edges = BINARY == 1
    assert losses.edge_cross_entropy(logits, edges, VALID) == value("edge", logits, BINARY).value()
    salient = value("saliency", logits, BINARY).value()
    assert losses.saliency_cross_entropy(logits, edges, VALID) == salient
    assert losses.normals_l1(normals, NORMALS, VALID) == value("normals", normals, NORMALS).value()
    cosine = value("normals", normals, NORMALS, normals_loss="cosine").value()
    assert losses.normals_cosine(normals, NORMALS, VALID) == cosine
    with pytest.raises(ValueError, match=r"of shape \(B,H,W\) or \(B,1,H,W\)"):
        losses.depth_l1(normals, known, depth_valid)
