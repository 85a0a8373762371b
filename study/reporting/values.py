"""Single values as a person reads them, in the terminal and in reports alike."""

from study.ledger.record import TrialRecord
from trainables.metrics.catalog import METRICS


def percent(value: float | None) -> str:
    """A fraction as people print it; a dash for none."""
    return "-" if value is None else f"{100 * value:.2f}"


def formatted(value: object) -> str:
    """A parameter in a table."""
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def parameters(trial: TrialRecord) -> str:
    """``beta=0.3 gamma=0.05``: last parts of the paths, which are the papers' names; for a grid
    the cell and the seed."""
    if trial.cell and not trial.phase:
        return f"{trial.cell}, seed {trial.seed}"
    drawn = " ".join(f"{path.split('/')[-1]}={formatted(v)}" for path, v in trial.params.items())
    return f"{trial.cell}: {drawn}" if trial.cell else drawn


def display_value(metric: str, value: float) -> float:
    """Fractions in percent."""
    return 100 * value if METRICS[metric].unit == "fraction" else value


def axis_label(metric: str) -> str:
    """A metric with its unit, for an axis."""
    unit = METRICS[metric].unit
    return f"{metric} [{'%' if unit == 'fraction' else unit}]"
