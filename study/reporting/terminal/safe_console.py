"""A console on which no name and no error text can move the cursor, colour or hide anything."""

import sys

from rich.console import Console
from rich.text import Text

from cluster.safe_text import printable

_WIDTH = 140
"""Columns where stdout is not a terminal: a job's log, a file."""


class SafeConsole(Console):
    """Rich's console; of every text and cell, only what is printable, and line breaks.

    Markup is another matter: whatever a user can name is escaped where it is put into a line.
    """

    def __init__(self, width: int | None = None) -> None:
        super().__init__(width=width, emoji=False)  # `:car:` may be a name

    def render_str(self, text: str, **options: object) -> Text:
        lines = [printable(line) for line in text.split("\n")]
        return super().render_str("\n".join(lines), **options)  # type: ignore[arg-type]


def stdout_console() -> SafeConsole:
    """The console of a command."""
    return SafeConsole() if sys.stdout.isatty() else SafeConsole(width=_WIDTH)
