"""The folder of a study: may it be written, is it free, what is in it."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from study.ledger import FILE

_OWED = "owed"


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
        raise ValueError(f"--name must be new in this storage, got {folder.name!r}; "
                         f"to continue it: --resume {folder.name}")  # fmt: skip


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


def owe(folder: Path) -> None:
    """Note that report and MLflow lack what the ledger has; said before the ledger's last event."""
    (folder / _OWED).touch()


def pay(folder: Path) -> None:
    """They have it all."""
    (folder / _OWED).unlink(missing_ok=True)


def owes(folder: Path) -> bool:
    """Whether a study was cut off, or its server was away, between its last event and its end."""
    return (folder / _OWED).exists()
