"""The MLflow run of a grid's cell: the parent of its seeds, with their mean and the verdict."""

from collections.abc import Iterable
from dataclasses import replace

from study.analysis import costs
from study.analysis.other_network import named
from study.analysis.results import AblationResults
from study.analysis.tables import Row, Table
from study.ledger.look import ArmLook
from study.ledger.record import StudyRecord
from study.tracking import names
from study.tracking.entities import (
    RUNNING,
    STUDY_KEY,
    Dates,
    Run,
    cell_key,
    inputs_of,
    milliseconds,
    parent_dates,
    points_of,
)


def cell_runs(record: StudyRecord, cells: Iterable[str]) -> list[Run]:
    """The runs of these cells while they train; a run is written before its children, the seeds."""
    return [_run(record, cell) for cell in cells]


def judged(results: AblationResults) -> list[Run]:
    """The runs of all cells that ran, with means, differences and verdicts."""
    record = results.record
    status = "FINISHED" if record.ended else "KILLED"
    stamp = milliseconds(record.last_time)
    runs = []
    for cell in dict.fromkeys(trial.cell for trial in record.trials.values()):
        run = _run(record, cell)
        late = points_of(_figures(results, cell), stamp, 0)
        tags = {**run.tags, "verdict": results.verdicts[cell], **_untested(record, cell)}
        ended_ms = _dates(record, cell).ended_ms
        runs.append(replace(run, tags=tags, late=late, status=status, ended_ms=ended_ms))
    return runs


def _untested(record: StudyRecord, cell: str) -> dict[str, str]:
    """Which of the cell's seeds could not be measured on the test list, and why."""
    trials = [t for t in record.compared().trials.values() if t.cell == cell and t.untested]
    reasons = "; ".join(f"{trial.where}: {trial.untested}" for trial in trials)
    return {"untested": reasons[: names.TAG_LENGTH]} if reasons else {}


def _figures(results: AblationResults, cell: str) -> dict[str, float | None]:
    """The cell's figures from each table, the objective's first, and the paper's."""
    figures: dict[str, float | None] = {}
    for place, table in enumerate(results.tables):
        row = next(row for row in table.rows if row.cell.name == cell)
        figures |= _means(table, row)
        if place == 0:
            figures |= _verdict_figures(row)
    figures |= _gain(results, cell) | _of_other(results, cell)
    known = costs.by_cell(results.record).get(cell)
    figures |= costs.figures(known) if known else {}
    return figures | names.published(results.record, cell)


def _gain(results: AblationResults, cell: str) -> dict[str, float | None]:
    """The test of the cell's Delta_m, whose mean is among the figures; none without it."""
    found = next((gain for gain in results.task_gains if gain.cell == cell), None)
    if found is None:
        return {}
    compared = found.comparison
    named = {f"gain_{task}": value for task, value in found.by_task.items()}
    limits = {"delta_m_low": compared.low, "delta_m_high": compared.high}
    return {**limits, "delta_m_p_corrected": compared.p_corrected, **named}


def _of_other(results: AblationResults, cell: str) -> dict[str, float | None]:
    """The means of the networks that are tested beside the measured ones; none without them."""
    if results.other is None:
        return {}
    figures: dict[str, float | None] = {}
    for table in results.other.tables:
        figures |= _means(table, next(row for row in table.rows if row.cell.name == cell))
    return named(figures, results.record.plan.base)


def _means(table: Table, row: Row) -> dict[str, float | None]:
    """The mean, named as its seeds' metric, and its difference from the baseline."""
    prefix = "test_" if table.split == "test" else ""
    figures = {f"{prefix}{table.metric}": row.mean}
    if row.comparison is not None:
        figures[f"delta_{table.metric}"] = row.comparison.mean
    return figures


def _verdict_figures(row: Row) -> dict[str, float | None]:
    """The statistics behind the verdict."""
    counts = {"n": len(row.values), "failed": row.failed, "diverged": row.diverged}
    comparison = row.comparison
    if comparison is None:
        return {**counts}
    return {
        "low": comparison.low,
        "high": comparison.high,
        "p": comparison.p,
        "p_corrected": comparison.p_corrected,
        "p_holm": comparison.p_holm,
        "superiority": comparison.superiority,
        **(_look_figures(comparison.look) if comparison.look else {}),
        **counts,
    }


def _look_figures(look: ArmLook) -> dict[str, float | None]:
    return {"p_same": look.p_same, "look_seeds": look.seeds}


def _run(record: StudyRecord, cell: str) -> Run:
    plan = record.plan
    states = [
        trial.state for trial in record.trials.values() if trial.cell == cell and trial.phase == ""
    ]
    dates = _dates(record, cell)
    return Run(
        key=cell_key(cell),
        parent=STUDY_KEY,
        tags={
            **dates.tags,
            "study": plan.study,
            "mlflow.runName": cell,
            "space": plan.space,
            "grid": plan.grid.name,
            "cell": cell,
            "dataset": record.data.dataset,
            "state": ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states)),
            **names.provenance_tags(record),
        },
        params={path: str(value) for path, value in plan.grid.cell(cell).changes.items()},
        inputs=inputs_of(record),
        status=RUNNING,
        started_ms=dates.started_ms,
    )


def _dates(record: StudyRecord, cell: str) -> Dates:
    started = min(trial.started for trial in record.trials.values() if trial.cell == cell)
    return parent_dates(record, started, 1)
