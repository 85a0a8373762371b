"""The plots of a study, from its results alone; the same results give the same bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.distributions import CategoricalDistribution

from search_spaces import Dimension, Space
from study.analysis import fold_protocol
from study.analysis.results import AblationResults, SearchResults
from study.ledger.trial_record import TrialRecord
from study.reporting.figures import comparisons, search_maps, training
from study.reporting.figures.efficiency import efficiency
from study.reporting.figures.regression import affinity_loss
from study.reporting.figures.search_maps import is_log
from study.reporting.figures.style import (
    HUES,
    LITERAL,
    STATES,
    Group,
    band,
    beside,
    best_trials,
    cell_groups,
    in_legend,
    log_across,
)
from study.reporting.values import axis_label, display_value

_MANY = 40
"""With more trials than this, a plot draws no points on its lines."""
STYLE = {
    **LITERAL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e9ed",
    "axes.axisbelow": True,
    "axes.edgecolor": "#9aa3ad",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "legend.frameon": False,
    "svg.hashsalt": "edgewise",  # without it, ids in an SVG are random
}


def save(figures: Mapping[str, Figure | None], folder: Path) -> dict[str, Path]:
    """Write the figures as PNG and return their paths, by name; None is skipped."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, figure in figures.items():
        if figure is not None:
            paths[name] = folder / f"{name}.png"
            # Without Matplotlib's version, which would change the bytes.
            figure.savefig(paths[name], dpi=120, metadata={"Software": None})
    return paths


def of_search(
    results: SearchResults, space: Space, importance: Mapping[str, float]
) -> dict[str, Figure | None]:
    """A search's plots by name; None for a plot without any values."""
    complete = Group("trial", STATES["complete"], results.record.in_state("complete"))
    confirmation = results.confirmation
    return {
        "differences": _differences(confirmation) if confirmation else None,
        "learning_curves": _learning_curves(results),
        "training": training.training(results, best_trials(results)),
        "affinity_loss": affinity_loss(best_trials(results), results.record.data.images["train"]),
        "parallel": search_maps.parallel_coordinates(results, space),
        "contour": search_maps.contour(results, space, importance),
        "slices": _slices(results, space),
        "trade_off": comparisons.trade_off(results, [complete], means=False),
        "trimap": comparisons.trimap(results, best_trials(results)),
    }


def of_ablation(results: AblationResults) -> dict[str, Figure | None]:
    """An ablation's plots by name; None for a plot without any values."""
    every = cell_groups(results)
    cells = in_legend(every)
    return {
        "differences": _differences(results),
        "learning_curves": _seed_bands(results, cells),
        "training": training.training(results, cells),
        "affinity_loss": _affinity_loss(results, every),
        "trade_off": comparisons.trade_off(results, cells, means=True),
        "efficiency": efficiency(results, cells),
        "trimap": comparisons.trimap(results, cells),
    }


def _affinity_loss(results: AblationResults, cells: Sequence[Group]) -> Figure | None:
    """None over folds, whose trainings differ in their number of iterations."""
    data = results.record.data
    return None if data.folds else affinity_loss(cells, data.images["train"])


def _differences(results: AblationResults) -> Figure | None:
    return comparisons.differences(results.tables, results.record.data.list_name(results.split))


def _curve(trial: TrialRecord, metric: str) -> list[tuple[int, float]]:
    values = [(epoch, ended.metrics.get(metric)) for epoch, ended in sorted(trial.epochs.items())]
    return [(epoch, display_value(metric, value)) for epoch, value in values if value is not None]


def _learning_curves(results: SearchResults) -> Figure:
    """The objective by epoch, one line per trial."""
    record, best = results.record, results.best
    objective = record.plan.objective
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.add_subplot()
    all_curves = [(trial, _curve(trial, objective)) for trial in record.trials.values()]
    curves = [(trial, curve) for trial, curve in all_curves if curve]
    hues = [to_rgba(STATES[trial.state], 0.45) for trial, _ in curves]
    # One collection for all lines: a search can have thousands.
    axes.add_collection(LineCollection([curve for _, curve in curves], colors=hues, linewidths=0.9))
    if len(curves) <= _MANY:
        for (_, curve), hue in zip(curves, hues, strict=True):
            axes.plot(*_columns(curve), "o", color=hue, markersize=3)
    if best is not None:
        axes.plot(
            *_columns(_curve(best, objective)),
            color=STATES["complete"],
            linewidth=2.4,
            marker="o",
            markersize=4,
            label=f"best: trial {best.number}",
        )
    for state in dict.fromkeys(trial.state for trial in record.trials.values()):
        axes.plot([], [], color=STATES[state], linewidth=0.9, label=state)
    axes.autoscale_view()
    _finish(axes, "epoch", axis_label(objective), f"{record.plan.study}: validation by epoch")
    if record.trials:
        axes.legend(fontsize=8)
    return figure


def _seed_bands(results: AblationResults, cells: Sequence[Group]) -> Figure:
    """The objective by epoch, one line per cell: the mean over its seeds, with their range."""
    plan = results.record.plan
    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for cell in cells:
        by_epoch: dict[int, list[float]] = {}
        for trial in cell.trials:
            for epoch, value in _curve(trial, plan.objective):
                by_epoch.setdefault(epoch, []).append(value)
        band(axes, by_epoch, cell.hue, cell.name)
    over = fold_protocol.paired_by(plan, "s")
    title = f"{plan.study}: validation, mean and range over {over}"
    _finish(axes, "epoch", axis_label(plan.objective), title)
    beside(axes)
    return figure


def _finish(axes: Axes, across: str, up: str, title: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    axes.set_title(title, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _columns(curve: Iterable[tuple[int, float]]) -> tuple[list[int], list[float]]:
    pairs = list(curve)
    return [x for x, _ in pairs], [y for _, y in pairs]


def _slices(results: SearchResults, space: Space) -> Figure:
    """The measured objective over each searched parameter; pruned trials in grey."""
    columns = max(1, min(4, len(space.dimensions)))
    rows = max(1, -(-len(space.dimensions) // columns))
    figure = Figure(figsize=(2.6 * columns + 0.8, 2.7 * rows), layout="constrained")
    panels = list(_each(figure.subplots(rows, columns, sharey=True, squeeze=False)))
    for axes, dimension in zip(panels, space.dimensions, strict=False):
        _slice(axes, results, dimension)
    for axes in panels[len(space.dimensions) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel(axis_label(results.record.plan.objective))
    return figure


def _each(panels: Iterable[Iterable[Axes]]) -> Iterator[Axes]:
    return (axes for row in panels for axes in row)


def _slice(axes: Axes, results: SearchResults, dimension: Dimension) -> None:
    objective, best = results.record.plan.objective, results.best
    trials = [trial for trial in reversed(results.ranking) if dimension.path in trial.params]
    drawn = [trial.params[dimension.path] for trial in trials]
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            # A ledger may have choices that the space no longer has.
            listed = list(dict.fromkeys([*choices, *drawn]))
            axes.set_xticks(range(len(listed)), [str(choice) for choice in listed])
            axes.set_xlim(-0.5, len(listed) - 0.5)
            drawn = [listed.index(value) for value in drawn]
    values = [display_value(objective, trial.value(objective) or 0.0) for trial in trials]
    axes.scatter(drawn, values, c=[STATES[trial.state] for trial in trials], s=18, alpha=0.8)
    if best is not None and best in trials:
        place = trials.index(best)
        axes.scatter(
            drawn[place : place + 1],
            values[place : place + 1],
            s=70,
            marker="*",
            c=HUES[1],
            zorder=3,
        )
    if is_log(dimension) and drawn:
        log_across(axes)
    axes.set_xlabel(dimension.path)
