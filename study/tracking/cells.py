"""The cells of a grid in MLflow: a run each, above its seeds, with its mean and its verdict."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from study.analysis.tables import Row, Table, metric_tables, verdict_of
from study.ledger.record import StudyRecord
from study.tracking import names
from study.tracking.runs import RUNNING, Point, Run, above, inputs_of, milliseconds


def cell_runs(record: StudyRecord, cells: Iterable[str]) -> list[Run]:
    """These as they stand; made before their seeds, which hang below them."""
    return [_run(record, cell) for cell in cells]


def judged(record: StudyRecord) -> tuple[list[Run], dict[str, str]]:
    """The same with means, differences and verdicts; and the verdict of each cell, also of those
    that were not run."""
    found = metric_tables(record)
    verdicts = {row.cell.name: verdict_of(row, found[0].baseline) for row in found[0].rows}
    stamp = milliseconds(record.last_time)
    runs = []
    begun = dict.fromkeys(trial.cell for trial in record.trials.values())
    for run in cell_runs(record, begun):
        cell = run.tags["cell"]
        figures: dict[str, float | None] = {}
        for place, table in enumerate(found):
            row = next(row for row in table.rows if row.cell.name == cell)
            figures |= _figures(table, row, first=place == 0)
        figures |= names.reported(record.plan, cell)
        late = [Point(k, float(v), stamp, 0) for k, v in figures.items() if v is not None]
        run.late.extend(late)
        run.tags["verdict"] = verdicts[cell]
        status = "FINISHED" if record.ended else "KILLED"
        runs.append(replace(run, status=status, ended_ms=_when(record, cell)["ended_ms"]))
    return runs, verdicts


def _figures(table: Table, row: Row, *, first: bool) -> dict[str, float | None]:
    """Means under the names that seeds have; of the objective also the comparison."""
    prefix = "test_" if table.split == "test" else ""
    figures: dict[str, float | None] = {f"{prefix}{table.metric}": row.mean}
    if row.comparison is not None:
        figures[f"delta_{table.metric}"] = row.comparison.mean
    if first and row.comparison is not None:
        found = row.comparison
        figures |= {
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "p_holm": found.p_holm,
            "superiority": found.superiority,
        }
    if first:
        figures |= {"n": len(row.values), "failed": row.failed, "diverged": row.diverged}
    return figures


def _run(record: StudyRecord, cell: str) -> Run:
    plan = record.plan
    changes = next(one["changes"] for one in plan["grid"]["cells"] if one["name"] == cell)
    trials = [trial for trial in record.trials.values() if trial.cell == cell]
    states = [trial.state for trial in trials if trial.phase == ""]
    when = _when(record, cell)
    return Run(
        key=f"cell/{cell}",
        parent="study",
        status=RUNNING,
        started_ms=when["started_ms"],
        inputs=inputs_of(plan),
        tags={
            **when["told"],
            "study": plan["study"],
            "mlflow.runName": cell,
            "space": plan["space"],
            "grid": plan["grid"]["name"],
            "cell": cell,
            "dataset": plan["data"]["dataset"],
            "state": ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states)),
            **names.provenance_tags(plan),
        },
        params={path: str(value) for path, value in changes.items()},
    )


def _when(record: StudyRecord, cell: str) -> dict[str, Any]:
    begun = min(trial.started for trial in record.trials.values() if trial.cell == cell)
    return above(record, begun, 1)
