"""What is kept of trials: their checkpoints, and beside the ledger their pictures and counts."""

import shutil
from pathlib import Path

from study import pictures, tuner
from study.plan import Plan
from study.trial_record import TrialRecord
from trainables import checkpoint
from trainables.data import Dataset


def checkpoint_of(plan: Plan, trial: TrialRecord) -> checkpoint.Checkpoint | None:
    """The trial's newest whole checkpoint, in the study that ran it; None where it is gone."""
    if trial.reused:
        folder = plan.storage / trial.reused["study"]
        folders = tuner.trial_folders(folder, trial.reused["trial"])
    else:
        folders = tuner.trial_folders(plan.folder, trial.number)
    return checkpoint.latest(folders, at_most=trial.last_epoch)


class Keepsakes:
    """What is kept of a trial that has ended: its pictures, and the counts of each image."""

    def __init__(self, plan: Plan, dataset: Dataset) -> None:
        self.plan, self.dataset = plan, dataset

    def __call__(self, trial: TrialRecord) -> list[Path]:
        counts = self.plan.folder / "counts" / f"{trial.folder}.npz"
        folder = self.plan.folder / "pictures" / trial.folder
        if not counts.exists():
            found = checkpoint_of(self.plan, trial)
            if found is None:
                return []
            pictures.draw(self.dataset, found, folder)
            counts.parent.mkdir(exist_ok=True)
            draft = counts.with_suffix(".draft")
            shutil.copyfile(found.folder / checkpoint.COUNTS, draft)
            draft.replace(counts)  # last: where it is, the pictures are whole too
        return [*sorted(folder.glob("*.png")), counts]
