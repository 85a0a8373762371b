"""The style of all plots of a study: colours, lines with their range, legends."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from study.analysis.results import AblationResults, SearchResults
from study.ledger.trial_record import TrialRecord

STATES = {"complete": "#0072b2", "pruned": "#9aa3ad", "failed": "#c0392b", "running": "#e69f00"}
HUES = tuple(
    "#0072b2 #d55e00 #009e73 #cc79a7 #e69f00 #56b4e9 #8c564b #7f3fbf #b5a100 #17becf #c0392b "
    "#4b5563 #2f6b3c #f4a6a0 #a0b8f0 #8a6d00".split()
)
_DIGITS: tuple[Sequence[int], ...] = ((1,), (1, 3), (1, 2, 5), range(1, 10))
"""First digits of ticks on a logarithmic axis, from those of a wide range to those of a narrow."""
_MOST_TICKS = 5
LITERAL = {"text.parse_math": False}
"""Whatever a user can name may hold ``$``, which Matplotlib would read as a formula, or fail on."""
_BASELINE, _OTHER = "#111111", "#c3c9d0"
_BEST = ("#0072b2", "#56b4e9", "#9ecae1", "#c6dbef", "#d9e3ee")


class Group(NamedTuple):
    """Trials that a plot shows together: a cell's seeds, or a single trial."""

    name: str
    hue: str
    trials: Sequence[TrialRecord]


def cell_groups(results: AblationResults) -> list[Group]:
    """A group per started cell, in the grid's order. A cell has the same colour in every plot; the
    first network's baseline is black. Of more cells than there are colours, the best by the
    objective have one; the others are grey."""
    baseline, cells = results.record.plan.grid.baseline, results.by_cell()
    chosen = _coloured(results, [name for name in cells if name != baseline])
    coloured = dict(zip(chosen, HUES, strict=False))
    hues = {**dict.fromkeys(cells, _OTHER), **coloured, baseline: _BASELINE}
    return [Group(cell, hues[cell], trials) for cell, trials in cells.items()]


def _coloured(results: AblationResults, cells: list[str]) -> list[str]:
    """In the grid's order, the cells that get a colour of their own."""
    if len(cells) <= len(HUES):
        return cells
    table = results.tables[0]
    gains = {row.cell.name: gain for row in table.rows if (gain := table.gain(row)) is not None}
    best = sorted(cells, key=lambda cell: gains.get(cell, -math.inf), reverse=True)[: len(HUES)]
    return [cell for cell in cells if cell in best]


def in_legend(groups: Sequence[Group]) -> list[Group]:
    """The same groups, those without a colour below the others and with one entry for all."""
    others = [group for group in groups if group.hue == _OTHER]
    # Matplotlib leaves names that begin with an underscore out of a legend.
    names = [f"{len(others)} other cells", *["_"] * len(others)]
    grey = [group._replace(name=name) for group, name in zip(others, names, strict=False)]
    return [*grey, *(group for group in groups if group.hue != _OTHER)]


def best_trials(results: SearchResults) -> list[Group]:
    """A group for each of the best complete trials, the best one darkest."""
    complete = [trial for trial in results.ranking if trial.state == "complete"]
    return [
        Group(f"{place}. trial {trial.number}", hue, [trial])
        for place, (trial, hue) in enumerate(zip(complete, _BEST, strict=False), start=1)
    ]


def band(axes: Axes, values: Mapping[int, Sequence[float]], hue: str, label: str) -> None:
    """Draw a line of means with the range around it."""
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
    """Put the legend to the right of a plot, if it has labels."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))


def log_across(axes: Axes) -> None:
    """Make the x axis of a finished plot logarithmic, with at least two numbers at its ticks.

    Matplotlib labels powers of ten alone, and a narrow range may hold none.
    """
    axes.set_xscale("log")
    ticks = log_ticks(*axes.get_xlim())
    axes.set_xticks(ticks, [f"{tick:.6g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers in a range above 0."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in _DIGITS:
        found = [digit * 10.0**power for power in powers for digit in digits]
        inside = [tick for tick in found if low <= tick <= high]
        if len(inside) >= 2:
            return inside[:: math.ceil(len(inside) / _MOST_TICKS)]
    even = MaxNLocator(_MOST_TICKS - 1, steps=(1, 2, 5, 10)).tick_values(low, high)
    return [float(tick) for tick in even if low <= tick <= high]
