"""What an epoch's losses came to over all ranks, or where they stopped being numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from trainables.training.ranks import sum_over_ranks


@dataclass(frozen=True)
class Diverged:
    """A loss that is no number any more, and the first step of the epoch at which it was not."""

    epoch: int
    step: int
    terms: dict[str, float | None]
    """The loss terms of that step; None for what is not finite."""

    def __str__(self) -> str:
        terms = ", ".join(f"{name} {value}" for name, value in self.terms.items())
        return f"the loss was not finite at epoch {self.epoch}, step {self.step}: {terms}"


def summary(
    history_steps_terms: Tensor, names: Sequence[str], epoch: int
) -> dict[str, float] | Diverged:
    """Each term's mean over the steps, by name; the first step at which one was not finite.

    Args:
        history_steps_terms: (steps, 1 + terms) this rank's shares: the loss, then its terms.
        names: of the terms.
        epoch: counted from 1.
    """
    history = sum_over_ranks(history_steps_terms).cpu()
    finite = history.isfinite().all(dim=1)
    if not finite.all():
        step = int((~finite).nonzero()[0])
        values = zip(names, history[step, 1:].tolist(), strict=True)
        terms = {name: value if np.isfinite(value) else None for name, value in values}
        return Diverged(epoch, step + 1, terms)
    means = zip(["loss", *names], history.mean(dim=0).tolist(), strict=True)
    return {f"train/{name}": mean for name, mean in means}
