"""A study's report, from its ledger alone: `python study/report.py NAME [--rebuild-mlflow]`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from study.ledger.ledger import FILE, LedgerError, folded, read
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord, TrialRecord
from trainables.training import checkpoint


def load_record(folder: Path) -> StudyRecord:
    """The record of the study in a folder.

    Raises:
        FileNotFoundError: there is no ledger.
        LedgerError: it cannot be read.
    """
    path = folder / FILE
    record = folded(path, read(path)[0], StudyRecord())
    if not record.plan:
        raise LedgerError(f"{path}: holds no plan: the study never began; start it anew")
    return record


def trial_folders(folder: Path, number: int) -> list[Path]:
    """Where a trial's checkpoints lie: one folder an attempt."""
    attempts = sorted((folder / "tune").glob("attempt-*"))
    return [checkpoint.trial_folder(attempt, number) for attempt in attempts]


def checkpoint_of(plan: Plan, trial: TrialRecord) -> checkpoint.Checkpoint | None:
    """The trial's newest whole checkpoint, in the study that ran it; None where it is gone."""
    if trial.reused:
        folder = plan.storage / trial.reused["study"]
        folders = trial_folders(folder, trial.reused["trial"])
    else:
        folders = trial_folders(plan.folder, trial.number)
    return checkpoint.latest(folders, at_most=trial.last_epoch)


def other_studies(storage: Path, but: str = "") -> Iterator[StudyRecord]:
    """Every study but this one whose ledger can be read."""
    for path in sorted(storage.glob(f"*/{FILE}")):
        if path.parent.name == but:
            continue
        try:
            record = folded(path, read(path)[0], StudyRecord())
        except LedgerError:
            continue  # damaged, or of another schema: nothing is taken from it
        if record.plan:
            yield record


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str, flag: str = "--name") -> None:
    """Raise a ValueError unless the name is safe as a folder."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{flag} must be letters, digits, '.', '_' or '-', at most 100, got {name!r}"
        )


_OUTDATED = "owed"


def prove_writable(folder: Path) -> None:
    """Make the folder and write a file into it.

    Raises:
        ValueError: it cannot be made or written.
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


def require_new(folder: Path) -> None:
    """Raise a ValueError if a study of this name is there already.

    One that was killed in its very first write is not: its ledger holds no whole event.
    """
    path = folder / FILE
    if path.exists() and b"\n" in path.read_bytes():
        raise ValueError(
            f"--name must be new in this storage, got {folder.name!r}; "
            f"to continue it: --resume {folder.name}"
        )


def require_known(flag: str, folder: Path) -> None:
    """Raise a ValueError if there is no study of this name."""
    if (folder / FILE).exists():
        return
    storage = folder.parent
    known = sorted(path.parent.name for path in storage.glob(f"*/{FILE}"))
    have = ", ".join(known[-5:]) if known else "none"
    raise ValueError(f"{flag} must name a study in {storage}, got {folder.name!r}; have {have}")


def lock(folder: Path) -> FileLock:
    """Take the study; a second process that asks is refused. The lock dies with its owner.

    Raises:
        ValueError: another process runs this study.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / "lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise ValueError(f"study {folder.name!r} is being run by another process") from None
    return held


def mark_outdated(folder: Path) -> None:
    """Note that report and MLflow lack what the ledger has; said before the ledger's last event."""
    (folder / _OUTDATED).touch()


def clear_outdated(folder: Path) -> None:
    """They have it all."""
    (folder / _OUTDATED).unlink(missing_ok=True)


def is_outdated(folder: Path) -> bool:
    """Whether a study was cut off, or its server was away, between its last event and its end."""
    return (folder / _OUTDATED).exists()


def write_counts(study: Path, number: int, content: bytes) -> None:
    """Keep a trial's counts of the test list."""
    path = _counts_path(study, number, "test")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(path)


def counts_of(study: Path, trial: TrialRecord, split: str) -> Path | None:
    """A trial's counts of a list, here or in the study that it was taken from; None if there are
    none.

    Args:
        study: the study's folder.
        split: ``val`` or ``test``.
    """
    places = [_counts_path(study, trial.number, split)]
    if trial.reused:
        elsewhere = study.parent / trial.reused["study"]
        places.insert(0, _counts_path(elsewhere, trial.reused["trial"], split))
    return next((path for path in places if path.exists()), None)


def _counts_path(study: Path, number: int, split: str) -> Path:
    return study / "counts" / f"trial-{number:04d}{'.test' if split == 'test' else ''}.npz"
