"""The GPU hours of a study, from its ledger alone: in all, by cell, and for each verdict.

Lanes that share a GPU count their shares of it. A lane counts while a trial holds it, also between
its epochs; one without a trial does not, nor do the measurements on the test list.
"""

from dataclasses import dataclass

from study.analysis.results import AblationResults, SearchResults
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord

_HOUR_S = 3600.0


@dataclass(frozen=True)
class Spent:
    """What the epochs of some trials took."""

    trials: int
    hours: float
    utilization: float | None
    """Percent of the time in which their GPUs computed, with all processes on them; None: no lane
    could read it."""


@dataclass(frozen=True)
class GpuHours:
    """The GPU hours of a study."""

    total: float
    """While trials held lanes, over all attempts."""
    cells: dict[str, Spent]
    """In epochs that are in the ledger, by cell; a search without cells is one."""
    verdicts: int
    """Cells that are compared with a baseline."""

    @property
    def between(self) -> float:
        """Between epochs, in failed ones, and in those that a resume repeated."""
        return max(self.total - sum(spent.hours for spent in self.cells.values()), 0.0)

    @property
    def per_verdict(self) -> float | None:
        """None without a comparison."""
        return self.total / self.verdicts if self.verdicts else None

    def __str__(self) -> str:
        each = self.per_verdict
        return f"{_h(self.total)} GPU h" + (f", {_h(each)} for each verdict" if each else "")


def gpu_hours(results: SearchResults | AblationResults) -> GpuHours | None:
    """The study's GPU hours; None if its lanes had no GPU."""
    record = results.record
    if not record.plan.gpus_per_worker:
        return None
    compared = results.comparison
    rows = compared.tables[0].rows if compared is not None and compared.tables else ()
    return GpuHours(
        total=record.usage.lane_seconds * gpus_of_lane(record) / _HOUR_S,
        cells=_by_cell(record),
        verdicts=sum(row.comparison is not None for row in rows),
    )


def gpus_of_lane(record: StudyRecord) -> float:
    return record.plan.workers * record.plan.gpus_per_worker


def _by_cell(record: StudyRecord) -> dict[str, Spent]:
    """Trials that another study ran took nothing here."""
    ran = [trial for trial in record.trials.values() if trial.reused is None]
    cells = dict.fromkeys(trial.cell or "search" for trial in ran)
    return {
        cell: _spent([trial for trial in ran if (trial.cell or "search") == cell], record)
        for cell in cells
    }


def _spent(trials: list[TrialRecord], record: StudyRecord) -> Spent:
    seconds = sum(trial.seconds for trial in trials)
    return Spent(len(trials), seconds * gpus_of_lane(record) / _HOUR_S, _utilization(trials))


def _utilization(trials: list[TrialRecord]) -> float | None:
    """The mean over ranks and epochs, each for as long as it took."""
    read = [
        (epoch.seconds, value)
        for trial in trials
        for epoch in trial.epochs.values()
        for name, value in epoch.system.items()
        if name.startswith("gpu_") and name.endswith("_utilization_percentage")
    ]
    weight = sum(seconds for seconds, _ in read)
    return sum(seconds * value for seconds, value in read) / weight if weight else None


def _h(hours: float) -> str:
    return f"{hours:.3g}"
