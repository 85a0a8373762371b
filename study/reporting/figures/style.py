"""What all plots of a study share: colours, units, lines with their range, legends."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.axes import Axes

from study.ledger.record import StudyRecord

STATES = {"complete": "#0072b2", "pruned": "#9aa3ad", "failed": "#c0392b", "running": "#e69f00"}
HUES = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#8c564b",
    "#7f3fbf",
    "#b5a100",
    "#17becf",
    "#c0392b",
    "#4b5563",
    "#2f6b3c",
    "#f4a6a0",
    "#a0b8f0",
    "#8a6d00",
)
_BASELINE = "#111111"


def cell_colours(record: StudyRecord) -> dict[str, str]:
    """One a cell, in the grid's order, the same in every plot; the baseline is black."""
    baseline = record.plan["grid"]["baseline"]
    begun = {trial.cell for trial in record.trials.values()}
    cells = [cell["name"] for cell in record.plan["grid"]["cells"] if cell["name"] in begun]
    hues = cycle(HUES)
    return {cell: _BASELINE if cell == baseline else next(hues) for cell in cells}


def band(axes: Axes, values: Mapping[int, Sequence[float]], hue: str, label: str) -> None:
    """A line of means with the range around it."""
    places = sorted(values)
    axes.plot(
        places,
        [sum(values[x]) / len(values[x]) for x in places],
        "-",
        color=hue,
        label=label,
        marker="o",
        markersize=3,
    )
    axes.fill_between(
        places,
        [min(values[x]) for x in places],
        [max(values[x]) for x in places],
        color=hue,
        alpha=0.08,
        linewidth=0,
    )


def beside(axes: Axes) -> None:
    """The legend to the right of a plot, where there is something to name."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
