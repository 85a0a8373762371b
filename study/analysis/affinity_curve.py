"""The curve of Affinity Regression's loss in a trial's training, by iteration."""

from typing import NamedTuple

from study.ledger.trial_record import TrialRecord
from trainables.data.batches import num_batches

_TERM = "affinity_regression"


class Curve(NamedTuple):
    """Points in the order of the training; none of a trial without the term."""

    at: list[int]
    """Iterations, counted from 1."""
    losses: list[float]
    by_epoch: bool
    """A point is the mean of an epoch, in ledgers of earlier versions, at the epoch's end."""


def affinity_curve(trial: TrialRecord, images: int) -> Curve:
    """The points of the steps that trained with the term.

    Args:
        images: of the training list.
    """
    epochs = sorted(trial.epochs.items())
    kept = [epoch.iterations for _, epoch in epochs]
    if kept and all(kept):
        pairs = [
            (place, value)
            for points in kept
            if points is not None and _TERM in points.terms
            for place, value in zip(points.at, points.terms[_TERM], strict=True)
            if value is not None
        ]
    else:
        means = [(number, epoch.metrics.get(f"train/{_TERM}")) for number, epoch in epochs]
        begun = [(number, value) for number, value in means if value]  # 0 or None: it had not
        steps = num_batches(images, int(trial.config["batch"])) if begun else 0
        pairs = [(number * steps, value) for number, value in begun]
    return Curve(
        [place for place, _ in pairs],
        [value for _, value in pairs],
        by_epoch=not all(kept),
    )
