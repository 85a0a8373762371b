"""The losses of an epoch: their means and a few points, or the step at which they diverged."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from trainables.training.iterations import Iterations, kept

_DIGITS = 6
"""Of a point; float32 has seven."""


@dataclass(frozen=True)
class Diverged:
    """A loss that is not finite, and the first step of the epoch at which that happened."""

    epoch: int
    step: int
    terms: dict[str, float | None]
    """The loss terms of that step; None for one that is not finite."""

    def __str__(self) -> str:
        terms = ", ".join(f"{name} {value}" for name, value in self.terms.items())
        return f"the loss was not finite at epoch {self.epoch}, step {self.step}: {terms}"


def summary(history: Tensor, names: Sequence[str], epoch: int) -> dict[str, float] | Diverged:
    """Each term's mean over the steps, by name; or the first step at which one was not finite.

    Args:
        history: (steps, 1 + terms) on the CPU, the loss and its terms over all ranks.
        names: the terms' names.
        epoch: counted from 1.
    """
    finite = history.isfinite().all(dim=1)
    if not finite.all():
        step = int((~finite).nonzero()[0])
        values = zip(names, history[step, 1:].tolist(), strict=True)
        terms = {name: value if np.isfinite(value) else None for name, value in values}
        return Diverged(epoch, step + 1, terms)
    means = zip(["loss", *names], history.mean(dim=0).tolist(), strict=True)
    return {f"train/{name}": mean for name, mean in means}


def points(
    history: Tensor,
    names: Sequence[str],
    computed: Sequence[Collection[str]],
    epoch: int,
    batches: Sequence[int],
) -> Iterations:
    """The loss and its terms at a few of an epoch's iterations.

    Args:
        history, names, epoch: as in ``summary``.
        computed: of each step, the terms that were computed; the others have no value there.
        batches: of every epoch of the training.
    """
    at, before = kept(epoch, batches), sum(batches[: epoch - 1])
    rows = [place - before - 1 for place in at]
    columns = zip(["loss", *names], history[rows].T.tolist(), strict=True)
    return Iterations(
        at=list(at),
        terms={
            name: [
                _rounded(value) if name in {"loss", *computed[row]} else None
                for row, value in zip(rows, values, strict=True)
            ]
            for name, values in columns
        },
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
