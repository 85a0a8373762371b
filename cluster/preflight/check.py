"""One line a check: what was looked at, what was found, what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Check:
    """``fail`` stops the study; ``warn`` is for the reader to decide."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:>4}  {self.name}: {self.found}" + (
            self.remedy and f"; {self.remedy}"
        )


@dataclass(frozen=True)
class Needs:
    """What a study asks of the place it runs in."""

    storage: Path
    tracking_uri: str
    packages: tuple[str, ...]
    code: tuple[str, ...]
    object_bytes: int
    """Of the object store, on every machine."""
    data: Callable[[], str] | None = None


def unless(name: str, wrong: list[str], good: str, bad: str, remedy: str) -> Check:
    """Good unless something is in ``wrong``; the first three are named."""
    if not wrong:
        return Check(name, "ok", good)
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Check(name, "fail", f"{bad} {', '.join(wrong[:3])}{more}", remedy)
