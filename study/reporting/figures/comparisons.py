"""Plots that compare trials or cells: area and boundary, edges, differences from the baseline."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.analysis.pareto import layers
from study.analysis.results import StudyResults
from study.analysis.sign_flips import paired
from study.analysis.tables import Row, Table, verdict_of
from study.reporting.figures.style import Group, band, beside
from study.reporting.values import axis_label, display_value, is_share
from trainables.metrics.catalog import TRIMAP_WIDTHS_PX

ACROSS, UP = "miou", "boundary_f_3px"
_HUES = {"better": "#009e73", "worse": "#c0392b", "same": "#0072b2", "undecided": "#5b6675"}


def trade_off(results: StudyResults, groups: Sequence[Group], *, means: bool) -> Figure | None:
    """Boundary F over mIoU of complete trials, with the Pareto front; None without a trial that
    has both.

    Args:
        means: whether a large point shows each group's mean.
    """
    points_of = [(group, _points(results, group)) for group in groups]
    all_points = [point for _, points in points_of for point in points]
    if not all_points:
        return None
    figure = Figure(figsize=(6.8, 4.6), layout="constrained")
    axes = figure.add_subplot()
    _front(axes, all_points)
    for group, points in points_of:
        if points and means:
            _with_mean(axes, points, group)
        elif points:
            xs, ys = zip(*points, strict=True)
            axes.scatter(xs, ys, s=20, alpha=0.75, c=group.hue, label=group.name)
    axes.set(xlabel=axis_label(ACROSS), ylabel=axis_label(UP))
    where = results.record.data.list_name(results.split)
    axes.set_title(f"Area against boundary, {where}", loc="left")
    beside(axes)
    return figure


def _points(results: StudyResults, group: Group) -> list[tuple[float, float]]:
    pairs = [
        (results.measured(trial, ACROSS), results.measured(trial, UP))
        for trial in group.trials
        if trial.state == "complete"
    ]
    return [
        (display_value(ACROSS, x), display_value(UP, y))
        for x, y in pairs
        if x is not None and y is not None
    ]


def _front(axes: Axes, points: list[tuple[float, float]]) -> None:
    """Draw the Pareto front as steps, unless one point is the best in both."""
    layer_N = layers(points, ["max", "max"])
    best = sorted({point for point, layer in zip(points, layer_N, strict=True) if layer == 1})
    if len(best) < 2:
        return
    axes.step(
        [x for x, _ in best],
        [y for _, y in best],
        where="pre",
        color="#5b6675",
        linestyle="--",
        linewidth=1.1,
        label="Pareto front",
        zorder=1,
    )


def _with_mean(axes: Axes, points: list[tuple[float, float]], group: Group) -> None:
    """Draw small points for the seeds and a large one for their mean."""
    xs, ys = zip(*points, strict=True)
    axes.scatter(xs, ys, s=14, color=group.hue, alpha=0.4)
    axes.scatter(
        [sum(xs) / len(xs)],
        [sum(ys) / len(ys)],
        s=70,
        color=group.hue,
        label=group.name,
        edgecolor="white",
        zorder=3,
    )


def trimap(results: StudyResults, groups: Sequence[Group]) -> Figure | None:
    """SEMEDA's Figure 5: mIoU inside and outside a band around true edges, by its width.

    A line is a group's mean, with its range. None if no trial has these metrics.
    """
    first = f"trimap_miou_inside_{TRIMAP_WIDTHS_PX[0]}px"
    groups = [group for group in groups if _values(results, group, first)]
    if not groups:
        return None
    figure = Figure(figsize=(9.6, 4), layout="constrained")
    inside, outside = figure.subplots(1, 2)
    for axes, side in ((inside, "inside"), (outside, "outside")):
        for group in groups:
            values = {
                width: miou
                for width in TRIMAP_WIDTHS_PX
                if (miou := _values(results, group, f"trimap_miou_{side}_{width}px"))
            }
            band(axes, values, group.hue, group.name)
        axes.set(xlabel="width of the band [px to either side]", xticks=TRIMAP_WIDTHS_PX)
        axes.set_title(f"{side} the band", loc="left")
    inside.set_ylabel("mIoU [%]")
    beside(outside)
    return figure


def _values(results: StudyResults, group: Group, metric: str) -> list[float]:
    complete = [trial for trial in group.trials if trial.state == "complete"]
    values = [results.measured(trial, metric) for trial in complete]
    return [display_value(metric, value) for value in values if value is not None]


def differences(tables: Sequence[Table], where: str) -> Figure | None:
    """The differences from the baseline: one panel per table, one line per cell.

    Points are seeds; mean and interval have the verdict's colour. None if nothing has been compared
    with the baseline yet. ``where`` is the list on which all were measured.
    """
    tables = [table for table in tables if is_share(table.metric) and _compared(table)]
    if not tables:
        return None
    first, names = tables[0], [row.cell.name for row in _compared(tables[0])]
    size = (2.1 + 2.3 * len(tables), 1.3 + 0.42 * len(names))
    figure = Figure(figsize=size, layout="constrained")
    for axes, table in zip(figure.subplots(1, len(tables), squeeze=False)[0], tables, strict=True):
        for row in _compared(table):
            _draw(axes, names.index(row.cell.name), row, table)
        axes.axvline(0, color="#111111", linewidth=1, zorder=1)
        axes.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
        axes.set_xlabel("percentage points")
        axes.set_yticklabels(names if table is first else [])
        axes.set_title(table.metric, loc="left")
    words = [word for word in _HUES if word != "same" or first.looks]
    handles = [figure.axes[0].plot([], [], "o-", color=_HUES[word])[0] for word in words]
    figure.legend(handles, words, loc="outside lower right", ncols=len(words))
    base = first.baseline if len(first.baselines) == 1 else "each cell's own baseline"
    figure.suptitle(f"Difference from {base}, {where}", fontsize=10.5)
    return figure


def _compared(table: Table) -> list[Row]:
    return [row for row in table.rows if row.comparison and row.comparison.mean is not None]


def _draw(axes: Axes, place: int, row: Row, table: Table) -> None:
    assert row.comparison is not None
    compared, hue = row.comparison, _HUES[verdict_of(row)]
    baseline = table.row(row.baseline)
    seeds = [100 * value for value in paired(row.values, baseline.values).values()]
    axes.scatter(seeds, [place] * len(seeds), s=12, color=hue, alpha=0.35, linewidths=0)
    if compared.low is not None and compared.high is not None:
        axes.plot([100 * compared.low, 100 * compared.high], [place] * 2, color=hue, linewidth=2)
    assert compared.mean is not None
    axes.scatter([100 * compared.mean], [place], s=46, color=hue, edgecolor="white", zorder=3)
