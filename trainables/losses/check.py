"""A trial run of a plug-in's loss, before a study starts with it.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from trainables.config import refused
from trainables.geometry.boundaries import VOID, one_hot
from trainables.losses.batch import Prediction, Target
from trainables.losses.term import LossTerm

_VOID_ROWS = 4
_CERTAIN = 1e4
"""A logit whose softmax is exactly 0 or 1."""


def try_loss(loss: Callable[..., object]) -> None:
    """Call the loss, with its defaults, on a small batch with void pixels and on twice that batch.

    Raises:
        ValueError: it does not return a ``LossTerm`` of two finite scalars, or its total has no
            gradient, has one at void pixels, or is a mean and not a sum.
    """
    generator = torch.Generator().manual_seed(0)
    logits_BKHW = torch.randn(2, 3, 32, 32, generator=generator, requires_grad=True)
    boundary_BHW = torch.randn(2, 32, 32, generator=generator, requires_grad=True)
    labels_BHW = torch.randint(0, 3, (2, 32, 32), generator=generator)
    labels_BHW[:, :_VOID_ROWS] = VOID
    # Twice the batch tells a sum from a mean: a sum doubles.
    term = _checked(loss(Prediction(logits_BKHW, boundary_BHW), Target(labels_BHW, 3)))
    logits, boundary, labels = (torch.cat([x, x]) for x in (logits_BKHW, boundary_BHW, labels_BHW))
    twice = _checked(loss(Prediction(logits, boundary), Target(labels, 3)))
    if term.total and term.count and _is_mean(term, twice):
        raise ValueError(
            "total must be a sum: of the same batch twice the count doubles and the "
            "total stays, as if it were a mean"
        )
    term.total.backward()
    for gradient in (logits_BKHW.grad, boundary_BHW.grad):
        if gradient is not None and bool(gradient[..., :_VOID_ROWS, :].any()):
            raise ValueError(
                "total must leave out void pixels (label 255), got a gradient there: "
                "sum where target.valid_BHW"
            )


def try_extremes(loss: Callable[[Prediction, Target], LossTerm]) -> None:
    """Call the loss, with its parameters bound, on predictions and labels at their extremes.

    Raises:
        ValueError: its total, its count or its gradient is not finite, and where.
    """
    for where, logits_BKHW, labels_BHW in _extremes():
        logits_BKHW.requires_grad_()
        boundary_BHW = (logits_BKHW[:, 0] - logits_BKHW[:, 1]).detach().requires_grad_()
        target = Target(labels_BHW, logits_BKHW.shape[1])
        term = loss(Prediction(logits_BKHW, boundary_BHW), target)
        _require_finite("total", term.total, where)
        _require_finite("count", term.count, where)
        if term.total.requires_grad:
            term.total.backward()
            for leaf in (logits_BKHW, boundary_BHW):
                if leaf.grad is not None:
                    _require_finite("the gradient of total", leaf.grad, where)


def _extremes() -> Iterator[tuple[str, Tensor, Tensor]]:
    """What is extreme about them, logits and labels; some void pixels in each."""
    labels_BHW = torch.arange(3).repeat_interleave(6).repeat(2, 18, 1)
    hot_BKHW = one_hot(labels_BHW, 3).float()
    labels_BHW[:, :_VOID_ROWS] = VOID
    one_class_BHW = torch.where(labels_BHW == VOID, VOID, 1)
    yield "every prediction is certain and right", _CERTAIN * hot_BKHW, labels_BHW
    yield "every prediction is certain and wrong", _CERTAIN * hot_BKHW.roll(1, dims=1), labels_BHW
    yield "all classes are equally likely", torch.zeros_like(hot_BKHW), labels_BHW
    yield "one class fills the batch", hot_BKHW.clone(), one_class_BHW
    yield "every pixel is void", hot_BKHW.clone(), torch.full_like(labels_BHW, VOID)


def _require_finite(name: str, values: Tensor, where: str) -> None:
    wrong = values.detach()[~values.detach().isfinite()]
    if len(wrong):
        raise refused(name, f"finite where {where}", wrong[0].item())


def _is_mean(once: LossTerm, twice: LossTerm) -> bool:
    ratios = torch.stack([twice.total.detach() / once.total.detach(), twice.count / once.count])
    return bool(torch.allclose(ratios.float().cpu(), torch.tensor([1.0, 2.0]), rtol=1e-4))


def _checked(term: object) -> LossTerm:
    if not isinstance(term, LossTerm):
        raise ValueError(f"must return LossTerm(total, count), got {type(term).__name__}")
    for part, value in zip(("total", "count"), term, strict=True):
        if not isinstance(value, torch.Tensor) or value.ndim or not bool(value.isfinite()):
            raise refused(part, "a finite scalar tensor", value)
    if not term.total.requires_grad:
        raise ValueError("total must have a gradient: is it detached?")
    return term
