"""What every folder of a storage needs: a safe name, and that it can be written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from study.ledger.errors import StorageError
from study.ledger.fold_checks import NAME


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from None


def check_name(name: str, flag: str = "--name") -> None:
    """Raise a ValueError unless the name is safe as a folder."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{flag} must be letters, digits, '.', '_' or '-', at most 100, got {name!r}"
        )


def prove_writable(folder: Path) -> None:
    """Create the folder, if it is missing, and check that it can be written.

    Raises:
        ValueError: it cannot be created or written.
    """
    if (error := refusal(folder)) is not None:
        raise ValueError(
            f"--storage must be a folder that can be written, got {str(folder)!r}: {error.strerror}"
        )


def refusal(folder: Path) -> OSError | None:
    """The error of creating a folder and writing a small file into it, if there is one."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)  # a full disk still takes an empty file
        probe.unlink()
    except OSError as error:
        with suppress(OSError):
            probe.unlink()
        return error
    return None
