"""Learning curves on the study's own run: one for each cell, or that of a search's winner.

They are written once the study has ended: MLflow keeps every value of a metric, so that a curve
which changes later would be drawn through both.
"""

from collections.abc import Callable, Sequence
from statistics import fmean

from study.analysis.results import AblationResults, SearchResults
from study.ledger.trial_record import TrialRecord
from study.tracking import names
from study.tracking.entities import Point, milliseconds

Summary = Callable[[Sequence[float]], float]


def curves(results: SearchResults | AblationResults) -> list[Point]:
    """The objective on the validation list by epoch; none before the study has ended.

    ``miou_by_epoch/CELL`` is the mean over the cell's complete seeds, with ``CELL lowest`` and
    ``CELL highest`` if they are several. A search with one objective has its winner's curve under
    the objective's own name, so that its run is sorted beside its winner's.
    """
    record, objective = results.record, results.record.plan.objective
    if not record.ended:
        return []
    points = []
    if results.best is not None and len(record.plan.objectives) == 1:
        points += _curve(objective, [results.best], objective, fmean)
    if results.comparison is not None:
        points += _by_cell(results.comparison, objective)
    return points


def _by_cell(results: AblationResults, objective: str) -> list[Point]:
    wanted: dict[str, tuple[list[TrialRecord], Summary]] = {}
    for cell, trials in results.by_cell().items():
        complete = [trial for trial in trials if trial.state == "complete"]
        wanted[cell] = complete, fmean
        if len(complete) > 1:
            wanted[f"{cell} lowest"] = complete, min
            wanted[f"{cell} highest"] = complete, max
    # A slash would put the cell into a section of its own.
    keys = names.distinct([label.replace("/", "_") for label in wanted])
    return [
        point
        for key, (trials, summary) in zip(keys, wanted.values(), strict=True)
        for point in _curve(f"{objective}_by_epoch/{key}", trials, objective, summary)
    ]


def _curve(
    name: str, trials: Sequence[TrialRecord], objective: str, summary: Summary
) -> list[Point]:
    """One point for each epoch at which all these trials have the objective.

    A point is dated by the trials' epochs: written again, it is the same point to MLflow.
    """
    points = []
    for epoch in sorted({number for trial in trials for number in trial.epochs}):
        ended = [trial.epochs[epoch] for trial in trials if epoch in trial.epochs]
        values = [value for e in ended if (value := e.metrics.get(objective)) is not None]
        if len(values) == len(trials):
            time_ms = milliseconds(max(record.time for record in ended))
            points.append(Point(name, summary(values), time_ms, epoch))
    return points
