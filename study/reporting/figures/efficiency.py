"""Quality against cost, where a study's networks differ (InverseForm's Figure 5)."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.analysis.costs import cost_of
from study.analysis.results import StudyResults
from study.ledger.network_measured import NetworkMeasured
from study.reporting.figures.style import Group, beside, log_across
from study.reporting.values import axis_label, display_value

_UP = "miou"
_ACROSS: dict[str, Callable[[NetworkMeasured], float]] = {
    "GFLOPs of one image": lambda cost: cost.gflops,
    "parameters [million]": lambda cost: cost.parameters / 1e6,
}


def efficiency(results: StudyResults, groups: Sequence[Group]) -> Figure | None:
    """Mean mIoU of each group over operations and over parameters; None unless costs differ."""
    found = [
        (group, cost, miou)
        for group in groups
        if (cost := cost_of(results.record, group.trials[0])) and (miou := _miou(results, group))
    ]
    if len({cost.key for _, cost, _ in found}) < 2:
        return None
    figure = Figure(figsize=(9.6, 4), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, len(_ACROSS), sharey=True)
    for axes, (name, across) in zip(panels, _ACROSS.items(), strict=True):
        for group, cost, mious in found:
            x, mean = across(cost), sum(mious) / len(mious)
            axes.scatter([x] * len(mious), mious, s=14, color=group.hue, alpha=0.4)
            axes.scatter(
                [x], [mean], s=70, color=group.hue, edgecolor="white", label=group.name, zorder=3
            )
        axes.set_xlabel(name)
        log_across(axes)
    panels[0].set_ylabel(axis_label(_UP))
    beside(panels[-1])
    return figure


def _miou(results: StudyResults, group: Group) -> list[float]:
    complete = [trial for trial in group.trials if trial.state == "complete"]
    values = [results.measured(trial, _UP) for trial in complete]
    return [display_value(_UP, value) for value in values if value is not None]
