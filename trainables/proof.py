"""Files that prove themselves: written completely or not at all, and checked before they are used.

A disk, a copy or a cable may change one bit, and most formats still load then, with other numbers.
So each file that is read back carries a SHA-256 hash of its content.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

_END, _EMPTY_COMMENT = b"PK\5\6", b"\0\0"
_END_BYTES = 22
"""Length of a zip archive's last record, which starts with ``_END`` and ends with the length of the
archive's comment (PKWARE's APPNOTE, 4.3.16)."""
_MARK = b"sha256="
_COMMENT_BYTES = len(_MARK) + 64


class DamageError(ValueError):
    """A file is missing, incomplete or changed; the message is one line and names the file."""


class UnprovenError(DamageError):
    """A file of a version that stored no hashes."""


def sha256(content: bytes) -> str:
    """The hash of a content, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def read(path: Path) -> bytes:
    """The content of a file.

    Raises:
        DamageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DamageError(f"{path}: {error.strerror}") from None


def read_proven(path: Path, expected: str) -> bytes:
    """The content of the file that had the hash ``expected`` when it was written.

    Raises:
        DamageError: it cannot be read, or has another content.
    """
    content = read(path)
    if sha256(content) != expected:
        raise DamageError(f"{path}: damaged: its content is not what was written")
    return content


def seal(archive: bytes) -> bytes:
    """Add the hash of a zip archive to it, as its comment; any reader of zip archives ignores that.

    Args:
        archive: a zip archive without a comment, such as NumPy's and torch's files.
    """
    assert _is_bare(archive), "a zip archive without a comment"
    comment = _MARK + sha256(archive).encode()
    return archive[:-2] + len(comment).to_bytes(2, "little") + comment


def unseal(content: bytes, name: str | os.PathLike[str]) -> bytes:
    """The archive that was sealed.

    Args:
        content: what ``seal`` returned.
        name: the file's, for the error.

    Raises:
        UnprovenError: it is an archive that was never sealed.
        DamageError: it is not what was sealed.
    """
    if _is_bare(content):
        raise UnprovenError(f"{name}: carries no hash: an older version wrote it")
    archive = content[: -_COMMENT_BYTES - 2] + _EMPTY_COMMENT
    if not _is_bare(archive) or seal(archive) != content:
        raise DamageError(f"{name}: damaged: its content is not what was written")
    return archive


def _is_bare(content: bytes) -> bool:
    return content[-_END_BYTES:].startswith(_END) and content.endswith(_EMPTY_COMMENT)


def write(path: Path, content: bytes) -> None:
    """Write all of a file or nothing, and wait until it is on the disk.

    One process at a time may write a file: its draft has one name, so that none is left for ever
    by a process that died.
    """
    draft = path.with_name(f".{path.name}.draft")
    _write_synced(draft, content)
    draft.replace(path)
    sync_folder(path.parent)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with these files, by name, or nothing; replaces the folder if it exists.

    It waits until everything is on the disk.
    """
    # A process may die at any line: only the rename makes the folder visible under its name.
    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, content in files.items():
        _write_synced(draft / name, content)
    sync_folder(draft)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    sync_folder(folder.parent)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the folder's names are on the disk: a renamed file may else be lost with power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
