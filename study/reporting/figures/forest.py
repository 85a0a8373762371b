"""A forest plot: each cell's gain on each dataset, over all, and on a new one."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.analysis.together import Arm, Together
from study.reporting.figures.style import HUES
from study.reporting.values import display_value

_NEW, _ZERO = "#9aa3ad", "#111111"


def forest(found: Together, label: str) -> Figure:
    """One panel for all cells; ``label`` names the gains' axis."""
    lines = sum(len(arm.effects) + 3 for arm in found.arms)
    figure = Figure(figsize=(7.2, 1.2 + 0.24 * lines), layout="constrained")
    axes = figure.add_subplot()
    place, names = 0, dict[int, str]()
    for arm, hue in zip(found.arms, _hues(len(found.arms)), strict=True):
        place = _draw(axes, arm, found.metric, hue, place, names)
    axes.axvline(0, color=_ZERO, linewidth=1, zorder=1)
    axes.set_yticks(list(names), list(names.values()))
    axes.set(xlabel=label, ylim=(place - 0.5, -1))
    axes.grid(axis="y", visible=False)
    title = f"Gain over {found.baseline}: each study, all, and a new dataset (grey)"
    axes.set_title(title, loc="left")
    return figure


def _hues(count: int) -> list[str]:
    return [HUES[place % len(HUES)] for place in range(count)]


def _draw(axes: Axes, arm: Arm, metric: str, hue: str, place: int, names: dict[int, str]) -> int:
    """Draw a cell's lines from this place downward; return the next free place."""

    def shown(value: float) -> float:
        return display_value(metric, value)

    for effect in arm.effects:
        low, high = effect.interval()
        axes.plot([shown(low), shown(high)], [place] * 2, color=hue, linewidth=1.2)
        axes.scatter([shown(effect.gain)], [place], s=22, marker="s", color=hue, zorder=3)
        names[place] = f"{arm.cell}: {effect.study}"
        place += 1
    pooled = arm.pooled
    new = [shown(pooled.new_low), shown(pooled.new_high)]
    axes.plot(new, [place] * 2, color=_NEW, linewidth=1.2, zorder=2)
    # The usual diamond: from one end of the interval to the other.
    axes.fill(
        [shown(end) for end in (pooled.low, pooled.mean, pooled.high, pooled.mean)],
        [place, place - 0.28, place, place + 0.28],
        color=hue,
        zorder=3,
    )
    names[place] = f"{arm.cell}: all"
    return place + 2
