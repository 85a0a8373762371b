"""What is made of a trial's checkpoint when it has ended: pictures, and counts per image."""

import shutil
from pathlib import Path

from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting.pictures import epochs, pictures, tasks
from trainables import proof
from trainables.data import Dataset
from trainables.proof import DamageError
from trainables.training import snapshots


class TrialArtifacts:
    """Returns a trial's artifacts: its pictures, and its counts per image.

    Both are made from the trial's checkpoint when it has ended, and outlive the checkpoint.
    """

    def __init__(self, folder: StudyFolder, dataset: Dataset) -> None:
        self._folder, self._dataset = folder, dataset

    def __call__(self, trial: TrialRecord) -> list[Path]:
        folder, number = self._folder, trial.number
        counts = folder.counts(number, "val")
        missing = counts.with_suffix(".missing.txt")
        if not counts.exists():
            if not trial.epochs:
                return []
            counts.parent.mkdir(exist_ok=True)
            try:
                if not self._copied(trial):
                    self._drawn(trial)
            except DamageError as error:
                missing.write_text(f"no pictures and no counts of validation images: {error}\n")
                return [missing]
            missing.unlink(missing_ok=True)
        return [*sorted(folder.pictures(number).glob("*.png")), counts]

    def _drawn(self, trial: TrialRecord) -> None:
        """Make them from the trial's checkpoint."""
        folder, found = self._folder, self._folder.measured_checkpoint(trial)
        found.check(without_state=True)
        dataset = self._dataset.for_fold(trial.fold)
        pictures.draw(dataset, found, folder.pictures(trial.number))
        tasks.draw(dataset, found.predictions().tasks, folder.pictures(trial.number))
        source, number = folder.network_source(trial)
        by_epoch = snapshots.read(source.trial_folders(number))
        epochs.draw(dataset, by_epoch, folder.pictures(trial.number))
        # Last: where the counts are, the pictures are complete.
        proof.write(folder.counts(trial.number, "val"), found.counts())
        if trial.reused is None:
            snapshots.remove(folder.trial_folders(trial.number))
        if trial.reused is None and trial.lender is None and not found.has_state:
            shutil.rmtree(found.folder, ignore_errors=True)

    def _copied(self, trial: TrialRecord) -> bool:
        """Copy those of a reused trial from the study that ran it, or of one with another's
        networks from that one, if they are there."""
        folder, (source, number) = self._folder, self._folder.network_source(trial)
        counts = source.counts(number, "val")
        own = trial.reused is None and trial.lender is None
        if own or not counts.exists():
            return False
        for picture in source.pictures(number).glob("*.png"):
            copy = folder.pictures(trial.number) / picture.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, copy)
        proof.write(folder.counts(trial.number, "val"), proof.read(counts))
        return True
