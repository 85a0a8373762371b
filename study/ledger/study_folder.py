"""The folder of a study: every path below it, its lock, and what can be read from it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from study.ledger.ledger import LedgerError, StorageError, folded, read
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables import proof
from trainables.training import checkpoint

_LEDGER = "ledger.jsonl"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


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
        return self.path / _LEDGER

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

    def pictures(self, trial: TrialRecord) -> Path:
        return self.path / "pictures" / trial.folder

    def new_attempt(self) -> Path:
        """The folder in ``tune`` for a new attempt."""
        return self.tune / f"attempt-{len(self._attempts()) + 1}"

    def _attempts(self) -> list[Path]:
        return sorted(self.tune.glob("attempt-*"))

    def trial_folders(self, number: int) -> list[Path]:
        """The folders of a trial's checkpoints, one per attempt."""
        return [checkpoint.trial_folder(attempt, number) for attempt in self._attempts()]

    def last_checkpoint(self, trial: TrialRecord) -> checkpoint.Checkpoint:
        """The checkpoint of the trial's last epoch in the ledger, in the study that ran it.

        No other one will do: the network of an earlier epoch has other figures.

        Raises:
            DamageError: it is gone or damaged; the message is one line and names the file.
        """
        folders = self.trial_folders(trial.number)
        if trial.reused:
            folders = self._other(trial.reused.study).trial_folders(trial.reused.trial)
        return checkpoint.of_epoch(folders, trial.last_epoch)

    def counts(self, number: int, split: str) -> Path:
        """The file with a trial's counts per image of a list, ``val`` or ``test``."""
        return self.path / "counts" / f"trial-{number:04d}{'.test' if split == 'test' else ''}.npz"

    def counts_of(self, trial: TrialRecord, split: str) -> Path | None:
        """A trial's counts, here or in the study that ran it; None if there are none."""
        paths = [self.counts(trial.number, split)]
        if trial.reused:
            paths.insert(0, self._other(trial.reused.study).counts(trial.reused.trial, split))
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
        with _storage_errors(path):
            path.parent.mkdir(exist_ok=True)
            proof.write(path, content)

    def _other(self, study: str) -> "StudyFolder":
        return StudyFolder(self.storage / study)

    def load(self) -> StudyRecord:
        """Read the ledger into a record.

        Raises:
            FileNotFoundError: there is no ledger.
            LedgerError: it cannot be read.
        """
        record = folded(self.ledger, read(self.ledger)[0], StudyRecord())
        if record.planned is None:
            raise LedgerError(
                f"{self.ledger}: holds no plan: the study never started; start it again"
            )
        return record

    def require_new(self) -> None:
        """Raise a ValueError if a study of this name exists.

        A study that was killed while writing its first event does not count: its ledger has no
        complete line, and nothing has run.
        """
        if self.ledger.exists() and b"\n" in self.ledger.read_bytes():
            raise ValueError(
                f"--name must be new in this storage, got {self.name!r}; "
                f"to continue it: --resume {self.name}"
            )

    def require_known(self, flag: str) -> None:
        """Raise a ValueError if no study has this name."""
        if self.ledger.exists():
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
        with _storage_errors(self._outdated):
            self._outdated.touch()

    def clear_outdated(self) -> None:
        """Clear the mark: report and MLflow are complete."""
        self._outdated.unlink(missing_ok=True)

    def is_outdated(self) -> bool:
        """Whether report or MLflow may lack the end of the ledger."""
        return self._outdated.exists()


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from None


def studies(storage: Path) -> list[StudyFolder]:
    """Every study of a storage, by name."""
    return [StudyFolder(path.parent) for path in sorted(storage.glob(f"*/{_LEDGER}"))]


def other_records(storage: Path, study: str = "") -> Iterator[StudyRecord]:
    """The records of all studies but one; ledgers that cannot be read are skipped."""
    for folder in studies(storage):
        if folder.name == study:
            continue
        try:
            yield folder.load()
        except LedgerError:
            continue  # damaged, or of another schema: nothing is reused from it


def check_name(name: str, flag: str = "--name") -> None:
    """Raise a ValueError unless the name is safe as a folder."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{flag} must be letters, digits, '.', '_' or '-', at most 100, got {name!r}"
        )


def prove_writable(folder: Path) -> None:
    """Create the folder, if it is missing, and check that it can be written.

    Raises:
        ValueError: it cannot be created or written.
    """
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise ValueError(
            f"--storage must be a folder that can be written, got {str(folder)!r}: {error.strerror}"
        ) from None
