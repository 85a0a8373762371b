"""The results of a study, computed once for the report, the terminal, the figures and MLflow."""

from dataclasses import dataclass
from functools import cached_property

from study.analysis import cell_values, comparability, tables
from study.analysis.comparability import Apart
from study.analysis.confirmation import confirmation_of
from study.analysis.other_network import by_other
from study.analysis.ranking import layered
from study.analysis.tables import Table
from study.analysis.task_gains import TaskGain, task_gains
from study.ledger.design import Ablation
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord


@dataclass(frozen=True)
class StudyResults:
    """The results that searches and ablations share.

    The record must not change meanwhile: what is computed from it is cached.
    """

    record: StudyRecord

    @cached_property
    def _layered(self) -> list[tuple[int, TrialRecord]]:
        return layered(self.record)

    @property
    def ranking(self) -> list[TrialRecord]:
        """The trials that have a value, best first."""
        return [trial for _, trial in self._layered]

    @property
    def champion(self) -> TrialRecord | None:
        """The trial whose network is saved for use."""
        return next(iter(self.ranking), None)

    @property
    def best(self) -> TrialRecord | None:
        """The winner of a search; None for an ablation, which compares cells over seeds."""
        return None

    @property
    def untested(self) -> list[str]:
        """A line for each trial that could not be measured on the test list: which, and why."""
        trials = list(self.record.trials.values())
        if self.comparison is not None and self.comparison is not self:
            trials += self.comparison.record.trials.values()
        return [f"{_named(trial)}: {trial.untested}" for trial in trials if trial.untested]

    @property
    def comparison(self) -> "AblationResults | None":
        """The comparison with a baseline that the study's verdict rests on; None without one."""
        return None

    @property
    def split(self) -> str:
        """The list on which the study's figures were measured, ``val`` or ``test``."""
        return "val"

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of an ablation, the objective's first; none for a search."""
        return ()

    @property
    def finalists(self) -> list[TrialRecord]:
        """The trials to measure on the test list."""
        raise NotImplementedError

    def measured(self, trial: TrialRecord, metric: str) -> float | None:
        """A trial's metric on ``split``; None if it was not measured."""
        if self.split == "test":
            return (trial.tested or {}).get(f"test_{metric}")
        return trial.metrics.get(metric)


@dataclass(frozen=True)
class SearchResults(StudyResults):
    """The ranking of a search, with its winner or its Pareto set; ``record`` has its own trials."""

    confirmation: "AblationResults | None" = None
    """The winner against its base on other seeds, once it is chosen."""

    @property
    def comparison(self) -> "AblationResults | None":
        return self.confirmation

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
        """How many complete trials have exactly the winner's value, including the winner.

        0 with several objectives, which have no single winner.
        """
        best, objective = self.best, self.record.plan.objective
        if best is None or len(self.record.plan.objectives) > 1:
            return 0
        complete = self.record.in_state("complete")
        return sum(trial.value(objective) == best.value(objective) for trial in complete)

    @property
    def finalists(self) -> list[TrialRecord]:
        return [*self.front, *(self.confirmation.finalists if self.confirmation else [])]


class AblationResults(StudyResults):
    """The tables of an ablation, with a verdict for each cell."""

    @property
    def champion(self) -> TrialRecord | None:
        """The best run of a cell that is shown to be better than the baseline; of any cell if none
        is, or if cells have different baselines (networks), whose runs no verdict compares.

        Never a trial of a cell's search: it is not tested, and its checkpoint is removed."""
        compared = [trial for trial in self.ranking if not trial.phase]
        one_baseline = len(self.tables[0].baselines) == 1
        better = [trial for trial in compared if self.verdicts.get(trial.cell) == "better"]
        return next(iter(better if better and one_baseline else compared), None)

    @property
    def comparison(self) -> "AblationResults":
        return self

    @cached_property
    def split(self) -> str:
        return cell_values.split_of(self.record)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(tables.metric_tables(self.record))

    @cached_property
    def other(self) -> "AblationResults | None":
        """The same comparison by the networks that are tested beside the measured ones."""
        record = by_other(self.record)
        return None if record is None else AblationResults(record)

    @cached_property
    def apart(self) -> tuple[Apart, ...]:
        """The published setups that did not measure as the study does."""
        return tuple(comparability.of_record(self.record, self.split))

    @cached_property
    def verdicts(self) -> dict[str, str]:
        """By cell, its verdict; the objective alone decides it."""
        return {row.cell.name: tables.verdict_of(row) for row in self.tables[0].rows}

    @cached_property
    def task_gains(self) -> tuple[TaskGain, ...]:
        """Delta_m of the cells of several tasks that have a cell of each task alone."""
        return task_gains(self.record)

    @cached_property
    def unchanged(self) -> list[str]:
        """The cells that equal the baseline in every metric on every seed."""
        return tables.unchanged(self.record)

    @property
    def finalists(self) -> list[TrialRecord]:
        return self.record.compared().in_state("complete")

    def by_cell(self) -> dict[str, list[TrialRecord]]:
        """The compared trials by cell, in the grid's order; cells without a trial are absent."""
        by_name: dict[str, list[TrialRecord]] = {
            cell.name: [] for cell in self.record.plan.grid.cells
        }
        for trial in self.record.compared().trials.values():
            by_name.setdefault(trial.cell, []).append(trial)
        return {cell: trials for cell, trials in by_name.items() if trials}


def _named(trial: TrialRecord) -> str:
    where = f" ({trial.cell}, {trial.where})" if trial.cell else ""
    return f"trial {trial.number}{where}"


def results_of(record: StudyRecord) -> SearchResults | AblationResults:
    """The results of a search or of an ablation."""
    if isinstance(record.plan.design, Ablation):
        return AblationResults(record)
    confirming = confirmation_of(record)
    confirmation = AblationResults(confirming) if confirming is not None else None
    return SearchResults(record.searched(), confirmation)
