"""How single values are formatted, in the terminal and in reports alike."""

from collections.abc import Mapping

from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.metrics.catalog import METRICS

HEADLINE = ("miou", "pixel_accuracy", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
"""Metrics that rankings show; the ledger has all of them."""


def percent(value: float | None) -> str:
    """A fraction in percent with two decimals; a dash for None."""
    return "-" if value is None else f"{100 * value:.2f}"


def formatted(value: object) -> str:
    """A parameter in a table; a dash for None."""
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def is_share(metric: str) -> bool:
    """Whether a metric is a fraction, which is shown in percent."""
    return METRICS[metric].unit == "fraction"


def metric_value(metric: str, value: float | None) -> str:
    """A metric in percent or in its own unit, with two decimals; a dash for None."""
    if value is None:
        return "-"
    return percent(value) if is_share(metric) else f"{value:.2f}"


def metric_head(metric: str) -> str:
    """A metric with its unit, for a column."""
    return f"{metric} {'%' if is_share(metric) else METRICS[metric].unit}"


def axis_label(metric: str) -> str:
    """A metric with its unit, for an axis."""
    return f"{metric} [{'%' if is_share(metric) else METRICS[metric].unit}]"


def display_value(metric: str, value: float) -> float:
    """A fraction in percent, anything else as it is: for a plot."""
    return 100 * value if is_share(metric) else value


def short_name(path: str) -> str:
    """The last part of a config path, which is the paper's name: ``gamma`` of ``loss/gamma``."""
    return path.rpartition("/")[2]


def assignments(params: Mapping[str, Value]) -> str:
    """``beta=0.3 gamma=0.05``."""
    return " ".join(f"{short_name(path)}={formatted(value)}" for path, value in params.items())


def parameters(trial: TrialRecord) -> str:
    """What tells a trial from the others: its parameters, or its cell and seed."""
    if trial.cell and not trial.phase:
        return f"{trial.cell}, seed {trial.seed}"
    drawn = assignments(trial.params)
    return f"{trial.cell}: {drawn}" if trial.cell else drawn
