"""The folder of Ray's session, which has its sockets and logs: Ray's own choice, or a short one.

A Unix socket's path is limited to about a hundred bytes, and Slurm's job folders are longer.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_SOCKET_BYTES = 103 if sys.platform == "darwin" else 107
_SOCKET = f"/session_2026-01-01_00-00-00_000000_{os.getpid()}/sockets/dash_TaskEventsHead"
"""The longest path of a socket below Ray's folder."""
_LISTENER = "/pymp-12345678/listener-12345678"
"""The same below TMPDIR, of a process that Python's ``multiprocessing`` starts."""
_OWN = "ray-12345678"
_FREE_BYTES = 64 * 2**20
"""Less free space than this counts as a full disk."""
_VARIABLES = ("RAY_TMPDIR", "TMPDIR") if sys.platform.startswith("linux") else ("RAY_TMPDIR",)
"""The variables by which Ray chooses, the first one first; otherwise it takes /tmp."""


@dataclass(frozen=True)
class SessionFolder:
    """Where Ray's session goes."""

    base: Path | None
    """The folder that gets it; None if there is none that can be used."""
    problem: str
    """Why it is not where Ray would put it, in words; "" if it is."""


def find_folder() -> SessionFolder:
    """Find a folder that can be written and whose path is short enough. Creates nothing."""
    name = next((name for name in _VARIABLES if os.environ.get(name)), "")
    usual = Path(os.environ[name] if name else "/tmp")
    problem = _problem(usual, "ray")
    if not problem:
        return SessionFolder(usual, "")
    problem = f"{name} {usual} {problem}" if name else f"{usual} {problem}"
    others = [place for place in _short_places() if place != usual and not _problem(place, _OWN)]
    return SessionFolder(others[0] if others else None, problem)


def longest() -> int:
    """How many bytes the path in ``RAY_TMPDIR`` may have."""
    return _SOCKET_BYTES - len(f"/ray{_SOCKET}")


@contextmanager
def session_folder() -> Iterator[str | None]:
    """The folder for ``ray.init``; None if Ray chooses. A folder made here is removed at the end,
    unless the session's logs are still there.

    Raises:
        ValueError: no folder can be used.
    """
    found = find_folder()
    if found.base is None:
        raise ValueError(f"{found.problem}; {remedy()}")
    own = Path(tempfile.mkdtemp(prefix="ray-", dir=found.base)) if found.problem else None
    with suppress(FileNotFoundError):
        tempfile.gettempdir()  # Python remembers the user's folder, which outlives this one
    before = os.environ.get("TMPDIR")
    if own or len(os.fsencode(f"{before or ''}{_LISTENER}")) > _SOCKET_BYTES:
        # Ray's processes, which inherit it, make sockets there as well.
        os.environ["TMPDIR"] = str(own or found.base)
    try:
        yield str(own) if own else None
    finally:
        if before is not None:
            os.environ["TMPDIR"] = before
        else:
            os.environ.pop("TMPDIR", None)
        if own and not any(own.glob("session_*/logs")):  # else they are kept, and named
            shutil.rmtree(own, ignore_errors=True)


def remedy() -> str:
    """What a user does if no folder can be used."""
    return (
        f"set RAY_TMPDIR to a folder that can be written and whose path has at most {longest()} "
        f"letters"
    )


def _problem(base: Path, name: str) -> str:
    """Why a folder of this name below ``base`` cannot have Ray's session; "" if it can."""
    length = len(os.fsencode(base.absolute()))
    most = _SOCKET_BYTES - len(f"/{name}{_SOCKET}")
    if length > most:
        return f"is too long for a Unix socket ({length} letters, at most {most})"
    target = base.absolute() / name
    folder = next(place for place in (target, *target.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return f"cannot be written ({error.strerror})"
    free = shutil.disk_usage(folder).free
    return f"is full ({free // 2**20} MiB free)" if free < _FREE_BYTES else ""


def _short_places() -> Iterator[Path]:
    yield Path("/tmp")
    yield Path("/var/tmp")
    if home := os.environ.get("HOME"):
        yield Path(home)
    yield Path("/dev/shm")
