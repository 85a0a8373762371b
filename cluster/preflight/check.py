"""The types of the preflight: a check's result, a machine, and what a study needs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One line: what was checked, what was found, what to do about it.

    ``fail`` stops the study; ``warn`` leaves the decision to the user.
    """

    name: str
    verdict: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""
    away: bool = False
    """It fails only because nothing answers there now, which may have passed by itself later."""

    def __str__(self) -> str:
        return f"{self.verdict:>4}  {self.name}: {self.found}" + (
            self.remedy and f"; {self.remedy}"
        )


@dataclass(frozen=True)
class Machine:
    """One machine of the attached cluster."""

    id: str
    """Ray's id of the node."""
    name: str
    """For the user: the host, and enough of the id to tell two nodes of a host apart."""
    cpus: float
    object_store_bytes: float


@dataclass(frozen=True)
class Needs:
    """What a study needs from the machines that it runs on."""

    storage: Path
    tracking_uri: str
    packages: tuple[str, ...]
    """Distributions whose versions must be equal on every machine."""
    code: tuple[str, ...]
    """Import packages whose code must be equal on every machine."""
    object_bytes: int
    """Object store that every machine needs."""
    data: Callable[[], str] | None = None
    """Returns the digest of the data as a machine sees it; None if no machine reads files."""
    storage_bytes: int = 0
    """Free disk that the study needs in the storage."""


def unless(name: str, wrong: list[str], good: str, bad: str, remedy: str) -> Check:
    """A check that is ``ok`` if ``wrong`` is empty, else ``fail``, with its first three entries."""
    if not wrong:
        return Check(name, "ok", good)
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Check(name, "fail", f"{bad} {', '.join(wrong[:3])}{more}", remedy)
