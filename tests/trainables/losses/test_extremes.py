"""No loss gives NaN or infinity, in value or gradient, whatever it is given."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.trainables.losses.cases import LOSSES, RELEASED
from tests.trainables.losses.test_contract import CLASSES, batch
from trainables.geometry.boundaries import VOID

ALL = {**LOSSES, **{f"released_{name}": loss for name, loss in RELEASED.items()}}


def uniform(images: int, rows: int, columns: int) -> Tensor:
    return torch.ones(images, rows, columns, dtype=torch.int64)


def hard_case(kind: str) -> tuple[Tensor, Tensor]:
    """Float32 logits and labels that break carelessly written losses."""
    rows, columns = {"one_pixel": (1, 1), "one_row": (1, 5), "odd": (5, 3)}.get(kind, (6, 8))
    logits, labels = batch(2, rows, columns)
    logits = logits.detach().float()
    perfect = F.one_hot(labels.clamp(max=CLASSES - 1), CLASSES).permute(0, 3, 1, 2).float()
    halves = uniform(2, rows, columns)
    halves[..., columns // 2 :] = 2
    changes = {
        "one_class": (logits, uniform(2, rows, columns)),
        "one_class_and_certain": (1e4 - 2e4 * perfect, uniform(2, rows, columns)),
        "tiles_of_one_class": (logits, halves),
        "all_void": (logits, torch.full_like(labels, VOID)),
        "all_void_and_certain": (1e4 * perfect, torch.full_like(labels, VOID)),
        "one_void_image": (logits, torch.stack((labels[0], torch.full_like(labels[1], VOID)))),
        "perfect": (perfect * 20.0, labels),
        "saturated": (perfect * 2e4 - 1e4, labels),
        "saturated_and_wrong": (perfect.roll(1, 1) * 2e4 - 1e4, labels),
        "flat": (torch.zeros_like(logits), labels),
        "huge": (logits.sign() * 1e4, labels),
    }
    return changes.get(kind, (logits, labels))


HARD = (
    "one_class",
    "one_class_and_certain",
    "tiles_of_one_class",
    "all_void",
    "all_void_and_certain",
    "one_void_image",
    "perfect",
    "saturated",
    "saturated_and_wrong",
    "flat",
    "huge",
    "one_pixel",
    "one_row",
    "odd",
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ALL)
def test_value_and_gradient_are_finite(name: str, dtype: torch.dtype) -> None:
    for kind in HARD:
        logits, labels = hard_case(kind)
        leaf = logits.to(dtype).requires_grad_()
        autocast = dtype != torch.float32
        with torch.autocast("cpu", dtype=dtype if autocast else None, enabled=autocast):
            term = ALL[name](leaf, labels)
        value = term.value()
        (gradient,) = torch.autograd.grad(value, leaf)
        assert value.isfinite(), kind
        assert gradient.isfinite().all(), kind
        assert term.count >= 0, kind
        assert value.dtype == torch.float32, kind
        if kind.startswith("all_void") and name in LOSSES:
            assert (term.total.item(), gradient.any().item()) == (0.0, False)


def _sliced(logits: Tensor) -> Tensor:
    """A part of a larger tensor, every other column."""
    larger = F.pad(logits, (0, logits.shape[3], 2, 1, 1, 0)).detach().clone()
    view = larger[:, 1:, 2:-1, ::2]
    return view.copy_(logits).detach()


def _turned(logits: Tensor) -> Tensor:
    return logits.detach().permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0)


@pytest.mark.parametrize("name", ALL)
def test_pieces_of_other_tensors_give_the_same(name: str) -> None:
    logits, labels = batch(2)
    answers = []
    for given in (logits.detach(), _sliced(logits), _turned(logits)):
        leaf = given.requires_grad_()
        total = ALL[name](leaf, _sliced(labels.unsqueeze(1)).squeeze(1)).total
        answers.append((total.detach(), *torch.autograd.grad(total, leaf)))
    for answer in answers[1:]:
        torch.testing.assert_close(answer, answers[0])


@pytest.mark.parametrize("name", ALL)
def test_one_map_for_all_images_gives_the_sum_of_their_gradients(name: str) -> None:
    """Expanded logits share their memory, so nothing may be written into it."""
    logits, labels = batch(1)
    leaf = logits.detach().requires_grad_()
    before = leaf.detach().clone()
    twice = ALL[name](leaf.expand(2, -1, -1, -1), labels.expand(2, -1, -1)).total
    repeated = ALL[name](leaf.repeat(2, 1, 1, 1), labels.repeat(2, 1, 1)).total
    torch.testing.assert_close(twice, repeated)
    (expected,) = torch.autograd.grad(repeated, leaf)
    torch.testing.assert_close(torch.autograd.grad(twice, leaf)[0], expected)
    assert torch.equal(leaf.detach(), before)
