"""Plots of a study, from its record alone."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from search_spaces import Space
from study.record import StudyRecord

_COLOURS = {"complete": "tab:blue", "pruned": "tab:gray", "failed": "tab:red",
            "running": "tab:orange"}  # fmt: skip


def draw(record: StudyRecord, space: Space, folder: Path) -> list[Path]:
    """Write the plots as PNG; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    curves, slices = folder / "learning_curves.png", folder / "slices.png"
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


def _slices(record: StudyRecord, space: Space) -> Figure:
    """The final objective against each searched parameter."""
    paths = [dimension.path for dimension in space.dimensions]
    figure = Figure(figsize=(2.6 * len(paths) + 0.6, 3), layout="constrained")
    panels = figure.subplots(1, len(paths), sharey=True, squeeze=False)[0]
    for axes, dimension in zip(panels, space.dimensions, strict=True):
        _slice(axes, record, dimension.path, getattr(dimension.distribution, "log", None))
    panels[0].set_ylabel(record.plan["objective"])
    return figure


def _slice(axes: Axes, record: StudyRecord, path: str, log: bool | None) -> None:
    shown = [trial for trial in record.ranking() if path in trial.params]
    values = [trial.params[path] for trial in shown]
    axes.scatter(
        [str(value) for value in values] if log is None else values,
        [trial.value(record.plan["objective"]) or 0.0 for trial in shown],
        c=[_COLOURS[trial.state] for trial in shown], s=18,
    )  # fmt: skip
    if log:
        axes.set_xscale("log")
    axes.set_xlabel(path)
