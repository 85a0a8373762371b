"""The plot of a verdict: each cell's difference to the baseline, with its seeds and interval."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.record import StudyRecord
from study.statistics import paired
from study.tables import Row, Table, is_share, tables, verdict_of

_HUES = {"better": "#009e73", "worse": "#c0392b", "undecided": "#5b6675"}


def differences(record: StudyRecord) -> Figure | None:
    """A panel a table, a line a cell: seeds as points, mean and interval above them, coloured by
    the verdict. None where nothing is compared with the baseline yet."""
    shown = [table for table in tables(record) if is_share(table.metric) and _compared(table)]
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
