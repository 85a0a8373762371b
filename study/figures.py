"""Plots of a study, from its record alone."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search_spaces import Dimension, Space
from study.record import StudyRecord

_COLOURS = {"complete": "tab:blue", "pruned": "tab:gray", "failed": "tab:red",
            "running": "tab:orange"}  # fmt: skip


def draw(record: StudyRecord, space: Space, folder: Path) -> list[Path]:
    """Write the plots as PNG; returns their paths. A grid has no slices."""
    folder.mkdir(parents=True, exist_ok=True)
    curves, slices = folder / "learning_curves.png", folder / "slices.png"
    if "grid" in record.plan:
        _seed_bands(record).savefig(curves, dpi=120, metadata={"Software": None})
        return [curves]
    _learning_curves(record).savefig(curves, dpi=120, metadata={"Software": None})
    _slices(record, space).savefig(slices, dpi=120, metadata={"Software": None})
    return [curves, slices]


def _learning_curves(record: StudyRecord) -> Figure:
    """The objective by epoch, one line a trial."""
    objective, best = record.plan["objective"], record.best()
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for trial in record.trials.values():
        epochs = sorted(trial.epochs)
        values = [trial.epochs[epoch]["metrics"].get(objective) for epoch in epochs]
        is_best = best is not None and trial.number == best.number
        axes.plot(
            epochs, values, color=_COLOURS[trial.state], marker="o", markersize=3,
            linewidth=2.5 if is_best else 0.9, alpha=1.0 if is_best else 0.6,
            label=f"best: trial {trial.number}" if is_best else None,
        )  # fmt: skip
    axes.set(xlabel="epoch", ylabel=objective, title=record.plan["study"])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if best is not None:
        axes.legend(frameon=False)
    return figure


def _seed_bands(record: StudyRecord) -> Figure:
    """The objective by epoch, one line a cell: the mean over seeds, and from least to most."""
    objective = record.plan["objective"]
    figure = Figure(figsize=(8.5, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for cell in dict.fromkeys(trial.cell for trial in record.trials.values()):
        by_epoch: dict[int, list[float]] = {}
        for trial in record.trials.values():
            for epoch, kept in trial.epochs.items():
                value = kept["metrics"].get(objective)
                if trial.cell == cell and value is not None:
                    by_epoch.setdefault(epoch, []).append(value)
        epochs = sorted(by_epoch)
        axes.plot(epochs, [sum(by_epoch[e]) / len(by_epoch[e]) for e in epochs], label=cell)
        axes.fill_between(
            epochs, [min(by_epoch[e]) for e in epochs], [max(by_epoch[e]) for e in epochs],
            alpha=0.06,
        )  # fmt: skip
    axes.set(xlabel="epoch", ylabel=objective, title=record.plan["study"])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if record.trials:
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _slices(record: StudyRecord, space: Space) -> Figure:
    """The final objective against each searched parameter; pruned trials in grey."""
    figure = Figure(figsize=(2.6 * len(space.dimensions) + 0.6, 3), layout="constrained")
    panels = figure.subplots(1, len(space.dimensions), sharey=True, squeeze=False)[0]
    for axes, dimension in zip(panels, space.dimensions, strict=True):
        _slice(axes, record, dimension)
    panels[0].set_ylabel(record.plan["objective"])
    return figure


def _slice(axes: Axes, record: StudyRecord, dimension: Dimension) -> None:
    trials = [trial for trial in record.ranking() if dimension.path in trial.params]
    drawn = [trial.params[dimension.path] for trial in trials]
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            axes.set_xticks(range(len(choices)), [str(choice) for choice in choices])
            drawn = [choices.index(value) for value in drawn]
        case FloatDistribution(log=True) | IntDistribution(log=True):
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
    axes.scatter(
        drawn,
        [trial.value(record.plan["objective"]) or 0.0 for trial in trials],
        c=[_COLOURS[trial.state] for trial in trials], s=18,
    )  # fmt: skip
    axes.set_xlabel(dimension.path)
