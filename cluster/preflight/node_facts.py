"""The facts that each machine of a cluster reports before a study starts, in Ray tasks."""

import hashlib
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

_PATIENCE_S = 3.0
"""A network file system may show another machine's file with a delay."""


@dataclass(frozen=True)
class Question:
    """What every machine must report."""

    folder: str
    """An empty folder of the driver on the storage that must be shared."""
    packages: tuple[str, ...]
    """Distributions whose versions must be equal."""
    code: tuple[str, ...]
    """Import packages whose code must equal the driver's."""
    data: Callable[[], str] | None = None
    """Returns the digest of the data as the machine sees it; None if it reads no files."""


@dataclass(frozen=True)
class Facts:
    """One machine's answers."""

    node: str
    versions: dict[str, str]
    code: str
    wrote: str
    """Why it could not write into the folder; empty if it could."""
    clock: float
    data: str
    """The digest, or why it cannot be read."""


def look(node: str, question: Question) -> Facts:
    """Collect this machine's facts, and write the file ``node`` to the question's folder."""
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
        clock=time.time(),
        data=_data(question.data),
    )


def sees(folder: str, other: str) -> bool:
    """Whether this machine can read the file that the other machine wrote."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return Path(folder, other).read_text() == other
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of Python and of each distribution; ``none`` if it is not installed."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def code_digest(packages: tuple[str, ...]) -> str:
    """A digest of all Python files of these import packages; ``none`` if one is not found."""
    digest = hashlib.sha256()
    for name in packages:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            return "none"
        # The installed copy counts, not the one beside this file: it is what the worker imports.
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
