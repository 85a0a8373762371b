"""What every loss must satisfy: derivatives, sums over ranks, void, finite values for any input."""

import pytest
import torch
from torch import Tensor

from tests.trainables.losses.cases import DETACHED, LOSSES, NUMBERED, RELEASED, Loss, edge_net
from trainables.geometry.boundaries import VOID
from trainables.losses.lovasz import lovasz_hinge
from trainables.losses.semeda import ppce_on_edges

CLASSES = 3


def batch(images: int = 4, rows: int = 6, columns: int = 7) -> tuple[Tensor, Tensor]:
    """Float64 logits and labels of regions two pixels wide, with some void."""
    generator = torch.Generator().manual_seed(images * rows * columns)
    small = torch.randint(
        0, CLASSES, (images, (rows + 1) // 2, (columns + 1) // 2), generator=generator
    )
    labels = small.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :rows, :columns].clone()
    labels[torch.rand(labels.shape, generator=generator) < 0.1] = VOID
    logits = torch.randn(images, CLASSES, rows, columns, generator=generator, dtype=torch.float64)
    return logits.requires_grad_(), labels


def value_and_gradient(name: str, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    leaf = logits.detach().requires_grad_()
    term = LOSSES[name](leaf, labels)
    (gradient,) = torch.autograd.grad(term.total, leaf)
    return term.total.detach(), term.count, gradient


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in DETACHED])
def test_the_gradient_is_the_derivative_of_the_value(name: str) -> None:
    logits, labels = batch(images=2, rows=4, columns=5)
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, labels).total, logits)


@pytest.mark.parametrize("name", LOSSES)
def test_two_ranks_give_what_one_gives(name: str) -> None:
    logits, labels = batch()
    together = value_and_gradient(name, logits, labels)
    shards = [
        value_and_gradient(name, logits[part], labels[part])
        for part in (slice(None, 1), slice(1, None))
    ]
    torch.testing.assert_close(sum(shard[0] for shard in shards), together[0])
    assert sum(shard[1] for shard in shards) == together[1]
    torch.testing.assert_close(torch.cat([shard[2] for shard in shards]), together[2])


@pytest.mark.parametrize("name", LOSSES)
def test_the_order_of_images_does_not_matter(name: str) -> None:
    logits, labels = batch()
    order = [2, 0, 3, 1]
    total, count, gradient = value_and_gradient(name, logits, labels)
    permuted = value_and_gradient(name, logits[order], labels[order])
    torch.testing.assert_close(permuted[0], total)
    assert permuted[1] == count
    torch.testing.assert_close(permuted[2], gradient[order])


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in NUMBERED])
def test_the_numbering_of_classes_does_not_matter(name: str) -> None:
    logits, labels = batch()
    order = torch.tensor([1, 2, 0])
    renumbered = torch.where(labels == VOID, VOID, order.argsort()[labels.clamp(max=CLASSES - 1)])
    total, _, gradient = value_and_gradient(name, logits, labels)
    permuted = value_and_gradient(name, logits[:, order], renumbered)
    torch.testing.assert_close(permuted[0], total)
    torch.testing.assert_close(permuted[2], gradient[:, order])


@pytest.mark.parametrize("name", LOSSES)
def test_void_pixels_have_no_influence(name: str) -> None:
    logits, labels = batch()
    void = (labels == VOID).unsqueeze(1).expand_as(logits)
    total, count, gradient = value_and_gradient(name, logits, labels)
    assert not gradient[void].any()
    other = value_and_gradient(name, torch.where(void, logits.flip(0) + 3, logits), labels)
    torch.testing.assert_close(other[0], total)
    assert other[1] == count


@pytest.mark.parametrize("name", LOSSES)
def test_single_precision_agrees_with_double(name: str) -> None:
    logits, labels = batch()
    double = value_and_gradient(name, logits, labels)
    single = value_and_gradient(name, logits.detach().float(), labels)
    torch.testing.assert_close(single[0].double(), double[0], rtol=1e-5, atol=1e-5)
    scale = double[2].abs().max().item()
    torch.testing.assert_close(single[2].double(), double[2], rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("loss", [*LOSSES.values(), *RELEASED.values()], ids=[*LOSSES, *RELEASED])
def test_a_batch_without_images_is_a_zero_that_can_be_differentiated(loss: Loss) -> None:
    """A rank's last batch may be empty, and the collective still needs its zero loss."""
    logits = torch.zeros(0, CLASSES, 6, 8, requires_grad=True)
    term = loss(logits, torch.zeros(0, 6, 8, dtype=torch.int64))
    (gradient,) = torch.autograd.grad(term.value(), logits)
    assert (term.total.item(), term.count.item(), gradient.shape) == (0.0, 0, logits.shape)


def spoilt(how: str) -> tuple[Tensor, Tensor]:
    logits, labels = batch(2)
    logits = logits.detach()
    if how == "not_finite":
        logits[0, 0, 0, 0] = float("nan")
    elif how == "out_of_range":
        labels[0, 0, 0] = CLASSES
    elif how == "negative":
        labels[0, 0, 0] = -1
    elif how == "float_labels":
        labels = labels.double()
    elif how == "cropped":
        labels = labels[:, 1:]
    return logits, labels


MESSAGES = {
    "not_finite": r"logits\w* must be finite, got nan",
    "out_of_range": r"labels_BHW must be in 0..2 or 255, got 3",
    "negative": r"labels_BHW must be in 0..2 or 255, got -1",
    "float_labels": r"labels_BHW must be torch.int64 of shape \(2, 6, 7\), got torch.float64",
    "cropped": r"labels_BHW must be torch.int64 of shape \(2, 6, 7\), got .*\(2, 5, 7\)",
}
ON_BOUNDARIES = ("boundary_cross_entropy", "fixed_balance", "edge_head", "boundary_correlation")
ON_CLASSES = [
    name for name in LOSSES if name not in (*ON_BOUNDARIES, "hinge", "inverse_form", "ppce")
]


@pytest.mark.parametrize("how", MESSAGES)
@pytest.mark.parametrize("name", ON_CLASSES)
def test_bad_input_is_named(name: str, how: str) -> None:
    with pytest.raises(ValueError, match=MESSAGES[how]):
        LOSSES[name](*spoilt(how))


@pytest.mark.parametrize("name", ON_BOUNDARIES)
def test_bad_boundary_logits_are_named(name: str) -> None:
    with pytest.raises(ValueError, match="boundary_logits_BHW must be finite, got nan"):
        LOSSES[name](*spoilt("not_finite"))
    with pytest.raises(ValueError, match=r"boundary_BHW must be torch.bool of shape \(2, 6, 7\)"):
        LOSSES[name](*spoilt("cropped"))


@pytest.mark.parametrize("how", MESSAGES)
def test_bad_input_of_ppce_is_named(how: str) -> None:
    boundary = torch.zeros(2, 6, 7, dtype=torch.bool)
    with pytest.raises(ValueError, match=MESSAGES[how]):
        ppce_on_edges(*spoilt(how), boundary, edge_net=edge_net)
    with pytest.raises(ValueError, match=r"boundary_BHW must be torch.bool of shape \(2, 6, 7\)"):
        ppce_on_edges(*batch(2), boundary[:, 1:], edge_net=edge_net)


def test_bad_labels_of_the_hinge_are_named() -> None:
    logits, labels = torch.zeros(1, 2, 2), torch.tensor([[[0, 1], [VOID, 2]]])
    with pytest.raises(ValueError, match=r"labels_BHW must be in 0\.\.1 or 255, got 2"):
        lovasz_hinge(logits, labels)
    with pytest.raises(ValueError, match=r"labels_BHW must be torch\.int64"):
        lovasz_hinge(logits, labels.float())


@pytest.mark.parametrize("name", LOSSES)
def test_the_layout_in_memory_does_not_matter(name: str) -> None:
    """Some networks return their logits channels last."""
    logits, labels = batch()
    expected = value_and_gradient(name, logits, labels)
    beside = logits.detach().contiguous(memory_format=torch.channels_last)
    turned = labels.transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(value_and_gradient(name, beside, turned), expected)
