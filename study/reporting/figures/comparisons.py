"""Plots about edges: area against boundary, and mIoU in bands around true edges."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.analysis.pareto import layers
from study.analysis.statistics import paired
from study.analysis.tables import Row, Table, is_share, metric_tables, split_of, verdict_of
from study.ledger.record import StudyRecord, TrialRecord
from study.reporting.figures.style import STATES, band, beside, cell_colours
from study.reporting.values import axis_label, display_value
from trainables.metrics.catalog import TRIMAP_WIDTHS_PX

ACROSS, UP = "miou", "boundary_f_3px"


def measured(record: StudyRecord, trial: TrialRecord, metric: str) -> float | None:
    """Of a grid on the list that its table is of, of a search on the validation list."""
    if "grid" in record.plan and split_of(record) == "test":
        return (trial.tested or {}).get(f"test_{metric}")
    return trial.metrics.get(metric)


def trade_off(record: StudyRecord) -> Figure | None:
    """mIoU against boundary F, a point a trial, with the Pareto front; None without both."""
    points = [
        (trial, display_value(ACROSS, x), display_value(UP, y))
        for trial in record.in_state("complete")
        if (x := measured(record, trial, ACROSS)) is not None
        and (y := measured(record, trial, UP)) is not None
    ]
    if not points:
        return None
    figure = Figure(figsize=(6.8, 4.6), layout="constrained")
    axes = figure.add_subplot()
    _front(axes, [(x, y) for _, x, y in points])
    if "grid" in record.plan:
        for cell, hue in cell_colours(record).items():
            _cell(axes, [(x, y) for trial, x, y in points if trial.cell == cell], hue, cell)
    else:
        axes.scatter(
            [x for _, x, _ in points],
            [y for _, _, y in points],
            s=20,
            alpha=0.75,
            c=STATES["complete"],
            label="trial",
        )
    split = split_of(record) if "grid" in record.plan else "val"
    axes.set(xlabel=axis_label(ACROSS), ylabel=axis_label(UP))
    axes.set_title(f"Area against boundary, {split} list", loc="left")
    beside(axes)
    return figure


def _front(axes: Axes, points: list[tuple[float, float]]) -> None:
    """The points that no other beats in both, as steps."""
    layer_N = layers(points, ["max", "max"])
    best = sorted(point for point, layer in zip(points, layer_N, strict=True) if layer == 1)
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


def _cell(axes: Axes, points: list[tuple[float, float]], hue: str, name: str) -> None:
    """Seeds small, their mean large."""
    if points:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        axes.scatter(xs, ys, s=14, color=hue, alpha=0.4)
        axes.scatter(
            [sum(xs) / len(xs)],
            [sum(ys) / len(ys)],
            s=70,
            color=hue,
            label=name,
            edgecolor="white",
            zorder=3,
        )


def trimap(record: StudyRecord) -> Figure | None:
    """SEMEDA's Figure 5: mIoU in a band around true edges and outside of it, by its width; of a
    grid the mean over seeds with its range, of a search its best trials. None without figures."""
    lines = _lines(record)
    if not lines:
        return None
    figure = Figure(figsize=(9.6, 4), layout="constrained")
    inside, outside = figure.subplots(1, 2)
    for axes, side in ((inside, "inside"), (outside, "outside")):
        for name, hue, trials in lines:
            values = {
                width: found
                for width in TRIMAP_WIDTHS_PX
                if (found := _values(record, trials, f"trimap_miou_{side}_{width}px"))
            }
            band(axes, values, hue, name)
        axes.set(xlabel="width of the band [px to either side]", xticks=TRIMAP_WIDTHS_PX)
        axes.set_title(f"{side} the band", loc="left")
    inside.set_ylabel("mIoU [%]")
    beside(outside)
    return figure


def _lines(record: StudyRecord) -> list[tuple[str, str, list[TrialRecord]]]:
    """Name, colour and trials of every line."""
    whole = record.in_state("complete")
    if "grid" in record.plan:
        by_cell = [
            (cell, hue, [trial for trial in whole if trial.cell == cell])
            for cell, hue in cell_colours(record).items()
        ]
        lines = [line for line in by_cell if line[2]]
    else:
        ranked = [trial for trial in record.ranking() if trial.state == "complete"]
        hues = ("#0072b2", "#56b4e9", "#9ecae1", "#c6dbef", "#d9e3ee")
        lines = [
            (f"{place}. trial {trial.number}", hue, [trial])
            for place, (trial, hue) in enumerate(zip(ranked, hues, strict=False), start=1)
        ]
    first = f"trimap_miou_inside_{TRIMAP_WIDTHS_PX[0]}px"
    return [line for line in lines if _values(record, line[2], first)]


def _values(record: StudyRecord, trials: list[TrialRecord], metric: str) -> list[float]:
    found = [measured(record, trial, metric) for trial in trials]
    return [display_value(metric, value) for value in found if value is not None]


_HUES = {"better": "#009e73", "worse": "#c0392b", "undecided": "#5b6675"}


def differences(record: StudyRecord) -> Figure | None:
    """A panel a table, a line a cell: seeds as points, mean and interval above them, coloured by
    the verdict. None where nothing is compared with the baseline yet."""
    shown = [
        table for table in metric_tables(record) if is_share(table.metric) and _compared(table)
    ]
    if not shown:
        return None
    names = [row.cell.name for row in _compared(shown[0])]
    figure = Figure(figsize=(2.1 + 2.3 * len(shown), 1.3 + 0.42 * len(names)), layout="constrained")
    for axes, table in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for row in _compared(table):
            _draw(axes, names.index(row.cell.name), row, table)
        axes.axvline(0, color="#111111", linewidth=1, zorder=1)
        axes.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5), xlabel="points of %")
        axes.set_yticklabels(names if table is shown[0] else [])
        axes.set_title(table.metric, loc="left")
    handles = [figure.axes[0].plot([], [], "o-", color=hue)[0] for hue in _HUES.values()]
    figure.legend(handles, list(_HUES), loc="outside lower right", ncols=len(_HUES))
    figure.suptitle(f"Difference to {shown[0].baseline}, {shown[0].split} list", fontsize=10.5)
    return figure


def _compared(table: Table) -> list[Row]:
    return [row for row in table.rows if row.comparison and row.comparison.mean is not None]


def _draw(axes: Axes, place: int, row: Row, table: Table) -> None:
    assert row.comparison is not None
    found, hue = row.comparison, _HUES[verdict_of(row, table.baseline)]
    baseline = next(one for one in table.rows if one.cell.name == table.baseline)
    seeds = [100 * value for value in paired(row.values, baseline.values)]
    axes.scatter(seeds, [place] * len(seeds), s=12, color=hue, alpha=0.35, linewidths=0)
    if found.low is not None and found.high is not None:
        axes.plot([100 * found.low, 100 * found.high], [place] * 2, color=hue, linewidth=2)
    assert found.mean is not None
    axes.scatter([100 * found.mean], [place], s=46, color=hue, edgecolor="white", zorder=3)
