"""Removes the checkpoints of ended trials once nothing needs them.

A running trial keeps those of its two newest epochs, from which it resumes, and the best one if
that will be tested. Of an ended trial, at most the measured network stays, and until it is tested
the one beside it (``study/analysis/networks.py`` says which do); its predictions and counts stay
until they are stored elsewhere.
"""

from dataclasses import replace

from study.analysis.networks import needed, others_due
from study.ledger.events import Event, Finished, OtherTested, Tested, TrialFailed
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from trainables.training import checkpoint


class CheckpointRemover:
    """A listener of the ledger. It removes a file only after the event that makes it superfluous
    is on the disk, so a study that is killed at any point has what it needs to resume."""

    def __init__(self, folder: StudyFolder, record: StudyRecord) -> None:
        """``record`` is the ledger's own. What an earlier attempt left is removed now."""
        self._folder, self._record = folder, record
        self._kept = {trial.number for trial in record.trials.values() if trial.state != "running"}
        self._remove(self._kept)

    def __call__(self, event: Event) -> None:
        match event:
            case (
                Finished(trial=number)
                | TrialFailed(trial=number)
                | Tested(trial=number)
                | OtherTested(trial=number)
            ):
                self._kept.add(number)
                self._remove({number})

    def _remove(self, changed: set[int]) -> None:
        """Strip these trials, and those whose networks are no longer needed because of them."""
        # Whoever was not needed before will not be again.
        trials = {number: self._record.trials[number] for number in sorted(self._kept)}
        seen = replace(self._record, trials=trials)
        still, others = needed(seen), others_due(seen)
        for number in changed | (self._kept - still):
            trial = trials[number]
            checkpoint.strip(
                self._folder.trial_folders(number),
                trial.measured_epoch,
                networks={
                    *([trial.measured_epoch] if number in still else []),
                    *([trial.other_epoch] if number in others and trial.other_epoch else []),
                },
                results=not self._folder.counts(number, "val").exists(),
            )
        self._kept = still | others
