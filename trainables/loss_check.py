"""A user's own loss is tried before a study begins with it.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Callable
from typing import Any

import torch

from trainables.losses.term import LossTerm
from trainables.losses.terms import Prediction, Target


def try_loss(loss: Callable[..., Any]) -> None:
    """One small batch, void pixels in it, and the same batch twice, with the loss's own defaults.

    Raises:
        ValueError: it returns no ``LossTerm`` of two finite scalars, its total has no gradient, or
            its total is divided already.
    """
    generator = torch.Generator().manual_seed(0)
    logits_BKHW = torch.randn(2, 3, 32, 32, generator=generator, requires_grad=True)
    boundary_BHW = torch.randn(2, 32, 32, generator=generator, requires_grad=True)
    labels_BHW = torch.randint(0, 3, (2, 32, 32), generator=generator)
    labels_BHW[:, :4] = 255
    term = _checked(loss(Prediction(logits_BKHW, boundary_BHW), Target(labels_BHW, 3)))
    logits, boundary, labels = (torch.cat([x, x]) for x in (logits_BKHW, boundary_BHW, labels_BHW))
    twice = _checked(loss(Prediction(logits, boundary), Target(labels, 3)))
    if term.total and term.count and _is_mean(term, twice):
        raise ValueError("total must be a sum: of the same batch twice the count doubles and the "
                         "total stays, as if it were a mean")  # fmt: skip


def _is_mean(once: LossTerm, twice: LossTerm) -> bool:
    ratios = torch.stack([twice.total.detach() / once.total.detach(), twice.count / once.count])
    return bool(torch.allclose(ratios.float().cpu(), torch.tensor([1.0, 2.0]), rtol=1e-4))


def _checked(term: object) -> LossTerm:
    if not isinstance(term, LossTerm):
        raise ValueError(f"must return LossTerm(total, count), got {type(term).__name__}")
    for part, value in zip(("total", "count"), term, strict=True):
        if not isinstance(value, torch.Tensor) or value.ndim or not bool(value.isfinite()):
            raise ValueError(f"{part} must be a finite scalar tensor, got {value!r}")
    if not term.total.requires_grad:
        raise ValueError("total must have a gradient: is it detached?")
    return term
