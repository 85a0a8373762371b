"""The folder of a study: every path below it, its lock, and what can be read from it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from study.ledger import end_mark
from study.ledger.errors import LedgerError
from study.ledger.ledger import folded, read
from study.ledger.lines import COMPRESSED, present, read_lines
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.storage import storage_errors
from study.ledger.trial_record import TrialRecord
from trainables import proof
from trainables.proof import DamageError
from trainables.training import checkpoint

_LEDGER = "ledger.jsonl"


@dataclass(frozen=True)
class StudyFolder:
    """The folder with a study's files: ``STORAGE/NAME``."""

    path: Path

    @classmethod
    def of(cls, plan: Plan) -> "StudyFolder":
        return cls(plan.storage / plan.study)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def storage(self) -> Path:
        return self.path.parent

    @property
    def stages(self) -> Path:
        """The trained stages, which all studies of the storage share."""
        return self.storage / "stages"

    @property
    def ledger(self) -> Path:
        """The ledger; of an archived study, the compressed one."""
        plain, compressed = self.path / _LEDGER, self.path / f"{_LEDGER}{COMPRESSED}"
        return compressed if present(compressed) and not present(plain) else plain

    @property
    def report(self) -> Path:
        return self.path / "report"

    @property
    def model(self) -> Path:
        """The best network, saved for use."""
        return self.path / "model"

    @property
    def lanes(self) -> Path:
        """Ray Train's own state."""
        return self.path / "lanes"

    @property
    def tune(self) -> Path:
        """Tune's state and the checkpoints: one folder per attempt."""
        return self.path / "tune"

    @property
    def test_pictures(self) -> Path:
        return self.path / "pictures" / "test"

    def pictures(self, number: int) -> Path:
        return self.path / "pictures" / checkpoint.trial_folder(Path(), number)

    def new_attempt(self) -> Path:
        """The folder in ``tune`` for a new attempt."""
        return self.tune / f"attempt-{len(self._attempts()) + 1}"

    def _attempts(self) -> list[Path]:
        return sorted(self.tune.glob("attempt-*"))

    def remove_drafts(self) -> None:
        """Remove what an attempt left half-written that was killed, or met a full disk."""
        for draft in (
            *self.tune.glob("attempt-*/*/.checkpoint_*"),
            *self.path.glob("counts/*.draft"),
            *self.path.glob("pictures/*.draft"),
        ):
            if draft.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
            else:
                draft.unlink(missing_ok=True)

    def trial_folders(self, number: int) -> list[Path]:
        """The folders of a trial's checkpoints, one per attempt."""
        return [checkpoint.trial_folder(attempt, number) for attempt in self._attempts()]

    def measured_checkpoint(
        self, trial: TrialRecord, epoch: int | None = None
    ) -> checkpoint.Checkpoint:
        """The checkpoint of the epoch that the trial is measured by, or of the given one, in the
        study that ran it. No other will do: the network of another epoch has other figures.

        Raises:
            DamageError: it is gone or damaged; the message is one line and names the file.
        """
        source, number = self.network_source(trial)
        return checkpoint.of_epoch(source.trial_folders(number), epoch or trial.measured_epoch)

    def has_networks(self, trial: TrialRecord) -> bool:
        """Whether the networks that a complete trial is measured by are there, unread."""
        epochs = (trial.measured_epoch, *([trial.other_epoch] if trial.other_epoch else []))
        try:
            return all(self.measured_checkpoint(trial, epoch).has_state for epoch in epochs)
        except DamageError:
            return False

    def network_source(self, trial: TrialRecord) -> "tuple[StudyFolder, int]":
        """The study that trained a trial's network, and the number there of the trial that did."""
        if trial.lender is not None:
            return self.network_source(trial.lender)
        source, number = self.source(trial)
        network = None if trial.reused is None else trial.reused.network
        return source, number if network is None else network

    def source(self, trial: TrialRecord) -> "tuple[StudyFolder, int]":
        """The study that ran a trial, and its number there."""
        if trial.reused is None:
            return self, trial.number
        return StudyFolder(self.storage / trial.reused.study), trial.reused.trial

    def counts(self, number: int, split: str) -> Path:
        """The file with a trial's counts per image of a list, ``val`` or ``test``."""
        return self.path / "counts" / f"trial-{number:04d}{'.test' if split == 'test' else ''}.npz"

    def counts_of(self, trial: TrialRecord, split: str) -> Path | None:
        """A trial's counts, here or in the study that ran it; None if there are none."""
        # Refinement changes the test alone.
        source, number = self.source(trial) if split == "test" else self.network_source(trial)
        paths = [source.counts(number, split), self.counts(trial.number, split)]
        return next((path for path in paths if path.exists()), None)

    def missing_counts(self) -> list[str]:
        """A line for each trial whose counts could not be taken from its checkpoint."""
        notes = sorted(self.counts(0, "val").parent.glob("*.missing.txt"))
        return [f"{note.name.split('.')[0]}: {note.read_text().strip()}" for note in notes]

    def write_counts(self, number: int, content: bytes) -> None:
        """Store a trial's counts on the test list.

        Raises:
            StorageError: they cannot be written, or the study's folder is gone.
        """
        path = self.counts(number, "test")
        with storage_errors(path):
            path.parent.mkdir(exist_ok=True)
            proof.write(path, content)

    def load(self) -> StudyRecord:
        """Read the ledger into a record.

        Raises:
            FileNotFoundError: there is no ledger.
            LedgerError: it cannot be read, or is of a study with another name.
        """
        record = folded(self.ledger, read(self.ledger)[0], StudyRecord())
        if record.planned is None:
            raise LedgerError(
                f"{self.ledger}: holds no plan: the study never started; start it again"
            )
        if record.plan.study != self.name:  # its paths, and other ledgers, have the old name
            raise LedgerError(
                f"{self.ledger}: is of study {record.plan.study!r}, got the folder {self.name!r}: "
                f"rename the folder back to {record.plan.study!r}"
            )
        return record

    def require_new(self) -> None:
        """Raise a ValueError if a study of this name exists, or has lost its ledger.

        A study that was killed while writing its first event does not count: its ledger has no
        complete line, and nothing has run.
        """
        if present(self.ledger) and read_lines(self.ledger)[0]:
            raise ValueError(
                f"--name must be new in this storage, got {self.name!r}; "
                f"to continue it: --resume {self.name}"
            )
        end_mark.require_none(self.ledger)

    def require_known(self, flag: str) -> None:
        """Raise a ValueError if no study has this name."""
        if present(self.ledger):
            return
        known = [folder.name for folder in studies(self.storage)]
        have = ", ".join(known[-5:]) if known else "none"
        raise ValueError(
            f"{flag} must name a study in {self.storage}, got {self.name!r}; have {have}"
        )

    def lock(self) -> FileLock:
        """Lock the study against a second process. The lock ends with the process that holds it.

        Raises:
            ValueError: another process runs this study.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        held = FileLock(self.path / "lock")
        try:
            held.acquire(timeout=0)
        except Timeout:
            raise ValueError(f"study {self.name!r} is being run by another process") from None
        return held

    @property
    def _outdated(self) -> Path:
        return self.path / "owed"  # the name that older versions know

    def mark_outdated(self) -> None:
        """Mark report and MLflow as out of date.

        Called before the ledger's last event: a study that is killed after it has ended by its
        ledger, and a resume must still write the rest.

        Raises:
            StorageError: the study's folder cannot be written, or is gone.
        """
        with storage_errors(self._outdated):
            self._outdated.touch()

    def clear_outdated(self) -> None:
        """Clear the mark: report and MLflow are complete."""
        self._outdated.unlink(missing_ok=True)

    def is_outdated(self) -> bool:
        """Whether report or MLflow may lack the end of the ledger."""
        return self._outdated.exists()


def studies(storage: Path) -> list[StudyFolder]:
    """Every study of a storage, by name, also those that cannot be read."""
    if not storage.is_dir():
        return []
    found = [StudyFolder(path) for path in sorted(storage.iterdir())]
    return [folder for folder in found if present(folder.ledger)]
