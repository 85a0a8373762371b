"""Removes the checkpoints of ended trials once nothing needs them.

A running trial keeps those of its two newest epochs, from which it resumes, and the best one if
that will be tested. Of an ended trial, at most the measured network stays, and until it is tested
the one beside it (``study/analysis/networks.py`` says which do); its predictions and counts stay
until they are stored elsewhere.
"""

from dataclasses import replace

from study.analysis.networks import needed, others_due
from study.ledger.events import EpochEnded, Event, Finished, OtherTested, Tested, TrialFailed
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import FINAL
from study.planning.dependent_runs import DependentRuns
from trainables.training import checkpoint


class CheckpointRemover:
    """A listener of the ledger. It removes a file only after the event that makes it superfluous
    is on the disk, so a study that is killed at any point has what it needs to resume."""

    def __init__(self, folder: StudyFolder, record: StudyRecord) -> None:
        """``record`` is the ledger's own. What an earlier attempt left is removed now."""
        self._folder, self._record = folder, record
        self._phase = self._number_of_phase()
        self._runs = DependentRuns(record.plan, record)
        self._kept = {trial.number for trial in record.trials.values() if trial.state != "running"}
        self._remove(self._kept)

    def __call__(self, event: Event) -> None:
        match event:
            case Finished(trial=number) | TrialFailed(trial=number):
                self._kept.add(number)
                self._remove({number, *self._sources_of(number)})
            case Tested(trial=number) | OtherTested(trial=number):
                self._remove(self._with_lenders({number}))
            case EpochEnded(trial=number, epoch=epoch):
                # From now on it resumes from its own checkpoint.
                shared = self._record.trials[number].shared
                if shared is not None and epoch == shared.epochs + 1:
                    self._remove(self._sources_of(number))

    def _with_lenders(self, numbers: set[int]) -> set[int]:
        """These trials, and those whose networks they have."""
        lenders = (self._record.trials[number].lender for number in numbers)
        return numbers | {lender.number for lender in lenders if lender is not None}

    def _sources_of(self, number: int) -> set[int]:
        """The ended trials from whose checkpoint this one may have begun."""
        runs = self._dependent_runs()
        ended = {trial.number for trial in self._record.in_state(*FINAL)}
        return runs.sources(number) & ended

    def _dependent_runs(self) -> DependentRuns:
        """The runs of this phase; to find what they have in common takes long in a large grid."""
        if self._phase != (phase := self._number_of_phase()):
            self._phase, self._runs = phase, DependentRuns(self._record.plan, self._record)
        return self._runs

    def _number_of_phase(self) -> tuple[int, int]:
        """A choice of weights and a look change which runs there are."""
        return len(self._record.chosen), len(self._record.looks)

    def _remove(self, changed: set[int]) -> None:
        """Strip these trials, and those whose networks are no longer needed because of them."""
        # Whoever was not needed before will not be again.
        trials = {number: self._record.trials[number] for number in sorted(self._kept)}
        seen = replace(self._record, trials=trials)
        still, others = map(self._with_lenders, (needed(seen), others_due(seen)))
        runs = self._dependent_runs()
        for number in changed | (self._kept - still):
            trial = self._record.trials[number]
            measured = number in still or runs.network_needed(number)
            checkpoint.strip(
                self._folder.trial_folders(number),
                trial.measured_epoch,
                networks={
                    *([trial.measured_epoch] if measured else []),
                    *([trial.other_epoch] if number in others and trial.other_epoch else []),
                    *runs.needed_epochs(number),
                },
                results=not self._folder.counts(number, "val").exists(),
            )
        self._kept = still | others
