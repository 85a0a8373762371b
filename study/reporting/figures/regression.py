"""Affinity Regression's Figure 3 and Table 2: its loss over training, with a regression line."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from study.analysis.affinity_curve import affinity_curve
from study.analysis.trend import Trend, trend
from study.ledger.trial_record import TrialRecord
from study.reporting.figures.style import Group, beside


def affinity_loss(groups: Sequence[Group], images: int) -> Figure | None:
    """The loss by iteration, mean over each group's trials, with its line; None where none has it.

    Args:
        images: of the training list.
    """
    curves = [(group, curve) for group in groups if (curve := means(group.trials, images))]
    if not curves:
        return None
    figure = Figure(figsize=(8.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for group, curve in curves:
        found = trend(list(curve), list(curve.values()))
        said = "" if found is None else f"\nslope {found.slope:.2e} per iteration, {_sure(found)}"
        axes.plot(list(curve), list(curve.values()), "o", color=group.hue, markersize=3)
        axes.plot([], [], "o-", color=group.hue, label=f"{group.name}{said}", markersize=3)
        if found is not None:
            ends = (min(curve), max(curve))
            axes.plot(ends, [found.intercept + found.slope * x for x in ends], color=group.hue)
    axes.set(xlabel="iteration", ylabel="affinity regression loss, training")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    beside(axes)
    return figure


def _sure(found: Trend) -> str:
    """How sure the slope is, by the effective number of points."""
    return f"p {found.p_effective:.1g} by {found.effective:.1f} effective of {found.points} points"


def means(trials: Sequence[TrialRecord], images: int) -> dict[int, float]:
    """By iteration, the loss's mean over the trials that have it."""
    values: dict[int, list[float]] = {}
    for trial in trials:
        curve = affinity_curve(trial, images)
        for place, value in zip(curve.at, curve.losses, strict=True):
            values.setdefault(place, []).append(value)
    return {place: sum(found) / len(found) for place, found in sorted(values.items())}
