"""The Pareto set of a search with several objectives, as cells of a table."""

from study.ledger.record import StudyRecord
from trainables.metrics.catalog import METRICS


def rows(record: StudyRecord) -> tuple[list[str], list[list[str]]]:
    """Heads and cells: each trial of the set with its objectives, on the validation list and, where
    it was measured, on the test list."""
    tested = any(trial.tested for trial in record.front())
    heads = ["trial", *(_head(name) for name in record.objectives)]
    if tested:
        heads += [f"test {_head(name)}" for name in record.objectives]
    heads.append("parameters")
    cells = []
    for trial in record.front():
        row = [str(trial.number), *(_shown(name, trial.value(name)) for name in record.objectives)]
        if tested:
            on_test = trial.tested or {}
            row += [_shown(name, on_test.get(f"test_{name}")) for name in record.objectives]
        params = [f"{path.split('/')[-1]}={_value(value)}" for path, value in trial.params.items()]
        cells.append([*row, " ".join(params)])
    return heads, cells


def _head(name: str) -> str:
    unit = METRICS[name].unit
    return f"{name} {'%' if unit == 'fraction' else unit}"


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f}" if METRICS[name].unit == "fraction" else f"{value:.2f}"


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
