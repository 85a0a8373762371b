"""A plug-in's file, and the one-line errors that name a line in it."""

import hashlib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Plugin:
    """A user's file: its name, for messages, and its text."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def has(self, file: str) -> bool:
        """Whether code of this file is the plug-in's; several files are joined by ``+``."""
        return file in (self.name, *self.name.split("+"))


def place_in(plugin: Plugin, error: BaseException) -> str:
    """``FILE:LINE``, the plug-in's last line in the traceback; "" if it has none there."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno}" for frame in frames if plugin.has(frame.filename)]
    return places[-1] if places else ""


def where(plugin: Plugin, error: BaseException, otherwise: int = 1) -> str:
    """``FILE:LINE: what went wrong``, at the plug-in's last line in the traceback if it has one."""
    place = place_in(plugin, error)
    reason = " ".join(str(error).split()) or "no reason given"
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return f"{place or f'{plugin.name}:{otherwise}'}: {kind}{reason}"


def line_of(plugin: Plugin, table: str) -> int:
    """The line on which the file begins to define a table; 1 where it does not."""
    lines = enumerate(plugin.text.splitlines(), start=1)
    starts = [number for number, line in lines if line.startswith(table)]
    return starts[-1] if starts else 1


@contextmanager
def located(plugin: Plugin, table: str, name: str, entry: object = None) -> Iterator[None]:
    """Report any error about this entry as one line with the file and a line number.

    The line is the one that failed, else where the entry's function begins, else its table.
    """
    try:
        yield
    except Exception as error:  # the plug-in's code may raise anything
        code = getattr(entry, "__code__", None)
        begins = code.co_firstlineno if code and plugin.has(code.co_filename) else 0
        place = where(plugin, error, begins or line_of(plugin, table))
        raise ValueError(f"--with {place} ({table}/{name})") from None
