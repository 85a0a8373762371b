"""What came out of a study, computed once: the report, the terminal, figures and MLflow read it."""

from dataclasses import dataclass
from functools import cached_property

from study.analysis import tables
from study.analysis.ranking import layered
from study.analysis.tables import Table
from study.ledger.plan import Ablation
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord


@dataclass(frozen=True)
class StudyResults:
    """What searches and ablations share. Computed from a record that no longer changes."""

    record: StudyRecord

    @cached_property
    def _layered(self) -> list[tuple[int, TrialRecord]]:
        return layered(self.record)

    @property
    def ranking(self) -> list[TrialRecord]:
        """Trials that have a value, best first."""
        return [trial for _, trial in self._layered]

    @property
    def champion(self) -> TrialRecord | None:
        """The trial whose network is saved for use."""
        return next(iter(self.ranking), None)

    @property
    def best(self) -> TrialRecord | None:
        """The winner. An ablation compares cells over seeds and has none."""
        return None

    @property
    def split(self) -> str:
        """The list that the study's figures are of, ``val`` or ``test``."""
        return "val"

    @property
    def tables(self) -> tuple[Table, ...]:
        """An ablation's tables, the objective's first."""
        return ()

    @property
    def finalists(self) -> list[TrialRecord]:
        """The trials to measure on the test list."""
        raise NotImplementedError

    def measured(self, trial: TrialRecord, metric: str) -> float | None:
        """A trial's figure on ``split``."""
        if self.split == "test":
            return (trial.tested or {}).get(f"test_{metric}")
        return trial.metrics.get(metric)


class SearchResults(StudyResults):
    """A ranking of trials, its winner or Pareto set."""

    @property
    def best(self) -> TrialRecord | None:
        return self.champion

    @property
    def front(self) -> list[TrialRecord]:
        """The best trial; with several objectives, the Pareto set."""
        if len(self.record.plan.objectives) > 1:
            return [trial for layer, trial in self._layered if layer == 1]
        return [self.best] if self.best else []

    @property
    def tied(self) -> int:
        """How many complete trials have exactly the winner's value, the winner among them."""
        best, objective = self.best, self.record.plan.objective
        if best is None or len(self.record.plan.objectives) > 1:
            return 0
        complete = self.record.in_state("complete")
        return sum(trial.value(objective) == best.value(objective) for trial in complete)

    @property
    def finalists(self) -> list[TrialRecord]:
        return self.front


class AblationResults(StudyResults):
    """Tables of cells with a verdict each."""

    @cached_property
    def split(self) -> str:
        return tables.split_of(self.record)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(tables.metric_tables(self.record))

    @cached_property
    def verdicts(self) -> dict[str, str]:
        """By cell, its verdict by the objective."""
        first = self.tables[0]
        return {row.cell.name: tables.verdict_of(row, first.baseline) for row in first.rows}

    @cached_property
    def unchanged(self) -> list[str]:
        """Cells that equal the baseline in every metric on every seed."""
        return tables.unchanged(self.record)

    @property
    def finalists(self) -> list[TrialRecord]:
        return self.record.compared().in_state("complete")

    def by_cell(self) -> dict[str, list[TrialRecord]]:
        """The compared trials of every cell that has any, in the grid's order."""
        found: dict[str, list[TrialRecord]] = {
            cell.name: [] for cell in self.record.plan.grid.cells
        }
        for trial in self.record.compared().trials.values():
            found[trial.cell].append(trial)
        return {cell: trials for cell, trials in found.items() if trials}


def results_of(record: StudyRecord) -> SearchResults | AblationResults:
    """The results of either design."""
    ablation = isinstance(record.plan.design, Ablation)
    return AblationResults(record) if ablation else SearchResults(record)
