"""Formatting of single values, for the terminal and reports alike."""

from collections.abc import Mapping, Sequence

from study.ledger.plan import Plan
from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.config.tasks import tasks_in
from trainables.config.words import zero_without_sign
from trainables.metrics.catalog import METRICS, OF_TASK

HEADLINE = ("miou", "pixel_accuracy", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
"""The metrics that rankings show of a segmentation; the ledger has the others, too."""


def headline(plan: Plan) -> list[str]:
    """The metrics that a study's ranking shows: its objectives, then those of its tasks."""
    tasks = tasks_in(plan.base)
    of_tasks = [OF_TASK[task] for task in tasks if task != "semseg"]
    usual = [*(HEADLINE if "semseg" in tasks else ()), *of_tasks]
    return [*(name for name in plan.objectives if name not in usual), *usual]


def measured_of(
    objective: str, config: Mapping[str, Value], metrics: Mapping[str, float | None]
) -> str:
    """The metric that stands for a trial: the objective, or that of its first task where it has no
    such task.

    Args:
        objective: a metric.
        config: of the trial, by path.
        metrics: what one of its epochs has measured.
    """
    names = (objective, *(OF_TASK[task] for task in tasks_in(config)))
    return next((name for name in names if name in metrics), objective)


def percent(value: float | None) -> str:
    """A fraction in percent with two decimals; a dash for None."""
    return "-" if value is None else zero_without_sign(f"{100 * value:.2f}")


def formatted(value: object) -> str:
    """A parameter with three significant digits; a dash for None."""
    if value is None:
        return "-"
    return zero_without_sign(f"{value:.3g}") if isinstance(value, float) else str(value)


def sizes(size: Sequence[int] | None) -> str:
    """The columns and rows of all images; that they differ, where there is no such size."""
    return f"{size[1]} x {size[0]} px" if size else "images of differing sizes"


def is_share(metric: str) -> bool:
    """Whether a metric is a fraction, which is formatted in percent."""
    return METRICS[metric].unit == "fraction"


def metric_value(metric: str, value: float | None) -> str:
    """A metric in percent or in its own unit, with two decimals; a dash for None."""
    if value is None:
        return "-"
    return percent(value) if is_share(metric) else zero_without_sign(f"{value:.2f}")


def with_unit(metric: str, value: float | None, unit: str) -> str:
    """A metric's value in a sentence, with its unit (``units.unit_in``)."""
    return f"{metric_value(metric, value)} {'%' if is_share(metric) else unit}"


def metric_head(metric: str, unit: str) -> str:
    """A metric's name with its unit (``units.unit_in``), for a column."""
    return f"{metric} {'%' if is_share(metric) else unit}"


def axis_label(metric: str) -> str:
    """A metric's name with its unit, for an axis."""
    return f"{metric} [{'%' if is_share(metric) else METRICS[metric].unit}]"


def display_value(metric: str, value: float) -> float:
    """A metric's value for a plot: a fraction in percent, any other metric in its unit."""
    return 100 * value if is_share(metric) else value


def short_name(path: str) -> str:
    """The last part of a config path, the paper's name for it: ``gamma`` for ``loss/gamma``."""
    return path.rpartition("/")[2]


def assignments(params: Mapping[str, Value]) -> str:
    """Parameters in one line: ``beta=0.3 gamma=0.05``."""
    return " ".join(f"{short_name(path)}={formatted(value)}" for path, value in params.items())


def parameters(trial: TrialRecord) -> str:
    """What distinguishes a trial from others: its parameters, or its cell and seed."""
    if trial.cell and trial.phase != "search":
        return f"{trial.cell}, {trial.where}"
    values = assignments(trial.params)
    return f"{trial.cell}: {values}" if trial.cell else values
