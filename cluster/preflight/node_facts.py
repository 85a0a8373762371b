"""What every machine of a cluster is asked before a study starts; runs there, as Ray tasks."""

import hashlib
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

SHM = Path("/dev/shm")
_PATIENCE_S = 3.0
"""A network file system may show another machine's file a moment later."""


@dataclass(frozen=True)
class Question:
    """The same for every machine."""

    folder: str
    """On the storage that must be shared; made by the driver, empty."""
    packages: tuple[str, ...]
    """Distributions whose versions must be equal."""
    code: tuple[str, ...]
    """Import packages that must be the driver's."""
    data: Callable[[], str] | None = None
    """Gives the digest of the data as this machine sees it; None where none is read there."""


@dataclass(frozen=True)
class Facts:
    """One machine's answers; what failed is told in words."""

    node: str
    versions: dict[str, str]
    code: str
    wrote: str
    """Why it could not write into the folder; empty if it could."""
    shm_bytes: int
    """0 where there is no shared memory to see, as on macOS."""
    clock: float
    data: str
    """The digest, or why it cannot be read."""


def look(node: str, question: Question) -> Facts:
    """Answer; leaves the file ``node`` in the question's folder."""
    wrote = ""
    try:
        Path(question.folder, node).write_text(node)
    except OSError as error:
        wrote = error.strerror or str(error)
    return Facts(
        node=node,
        versions=versions(question.packages),
        code=code_digest(question.code),
        wrote=wrote,
        shm_bytes=shutil.disk_usage(SHM).total if SHM.is_dir() else 0,
        clock=time.time(),
        data=_data(question.data),
    )


def sees(folder: str, other: str) -> bool:
    """Whether what the other machine wrote can be read here."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return Path(folder, other).read_text() == other
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Of Python and of each distribution; ``none`` where it is not installed."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def code_digest(packages: tuple[str, ...]) -> str:
    """Of every Python file of these import packages, wherever they lie; ``none`` if one lacks."""
    digest = hashlib.sha256()
    for name in packages:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            return "none"
        root = Path(next(iter(spec.submodule_search_locations)))
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{name}/{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _data(digest: Callable[[], str] | None) -> str:
    if digest is None:
        return ""
    try:
        return digest()
    except (OSError, ValueError) as error:
        return f"cannot be read: {error}"
