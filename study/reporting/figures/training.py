"""How training went: its loss, the validation loss and the learning rate by epoch."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from study.analysis.results import StudyResults
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.reporting.figures.style import Group, band
from trainables.config import Value, from_flat
from trainables.data.batches import num_batches
from trainables.optim.schedules import rate_factor
from trainables.training.optimization import groups_of

_MOST_COLUMNS = 4
_POINTS = 200
"""Of a curve of the learning rate."""
_LOSSES = {
    "train/loss": "training loss (not comparable between losses)",
    "val/loss": "validation: cross-entropy [nats]",
}


def training(results: StudyResults, groups: Sequence[Group]) -> Figure | None:
    """Losses and learning rate by epoch, a line per group; None before the first epoch.

    Losses that were not measured, as in older ledgers, have no panel.
    """
    titles = _titles(groups)
    losses = {metric: _curves(groups, metric) for metric in titles}
    losses = {metric: curves for metric, curves in losses.items() if any(curves)}
    if not losses:
        return None
    columns = min(len(losses) + 1, _MOST_COLUMNS)
    rows = math.ceil((len(losses) + 1) / columns)
    figure = Figure(figsize=(3.6 * columns + 1.6, 3.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(losses) + 1 :]:
        axes.remove()
    *panels, rates = grid[: len(losses) + 1]
    for axes, (metric, curves) in zip(panels, losses.items(), strict=True):
        for group, values in zip(groups, curves, strict=True):
            if values:
                band(axes, values, group.hue, group.name)
        axes.set_title(titles[metric], loc="left")
    _draw_rates(rates, results.record, groups)
    for axes in figure.axes:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles, names = rates.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize=8)
    return figure


def _titles(groups: Sequence[Group]) -> dict[str, str]:
    """By metric, the panels' titles: the losses, and the terms that validation measured."""
    measured = {
        name
        for group in groups
        for trial in group.trials
        for epoch in trial.epochs.values()
        for name in epoch.metrics
        if name.startswith("val/")
    }
    terms = sorted(measured - _LOSSES.keys())
    return _LOSSES | {name: f"validation: {name.removeprefix('val/')}" for name in terms}


def _curves(groups: Sequence[Group], metric: str) -> list[dict[int, list[float]]]:
    """For each group, the values of its trials by epoch."""
    return [_curve(group.trials, metric) for group in groups]


def _curve(trials: Sequence[TrialRecord], metric: str) -> dict[int, list[float]]:
    values: dict[int, list[float]] = {}
    for trial in trials:
        for number, epoch in trial.epochs.items():
            if (value := epoch.metrics.get(metric)) is not None:
                values.setdefault(number, []).append(value)
    return values


def _draw_rates(axes: Axes, record: StudyRecord, groups: Sequence[Group]) -> None:
    images = record.data.images.get("train", 0)
    for group in groups:
        for trial in group.trials[:1]:  # a cell's seeds have the same
            curve = learning_rates(trial.config, images)
            unknown = "" if curve else " (its plug-in knows)"
            label = f"{group.name}{unknown}"
            axes.plot(list(curve), list(curve.values()), color=group.hue, label=label)
    axes.set_title("learning rate", loc="left")
    axes.set_ylim(bottom=0)


def learning_rates(config: Mapping[str, Value], images: int) -> dict[float, float]:
    """The learning rate of a trial's steps, by the epochs that are done before the step.

    It follows from the config alone; ``optim/head_lr`` multiplies it outside the backbone.
    Empty for the schedule or optimiser of a plug-in that is not installed: a report executes none.

    Args:
        config: the trial's, flat.
        images: of the training list.
    """
    own = {path: value for path, value in config.items() if path.startswith("optim/")}
    try:
        optim = from_flat(own).optim
    except ValueError:
        return {}
    steps = len(groups_of(num_batches(images, int(config["batch"])), optim.accumulate))
    total = steps * int(config["epochs"])
    shown = range(0, total, max(total // _POINTS, 1))
    return {step / steps: optim.lr * rate_factor(optim, step, total) for step in shown}
