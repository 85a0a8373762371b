"""Text that may be shown: without passwords, and without what a terminal would obey."""

import re

_USER_INFO = re.compile(r"(://[^:/?#\s@]*):\S*@")
_QUERY = re.compile(
    r"([?&;](?:password|passwd|pwd|passfile|sslpassword|token|access_token|odbc_connect)=)[^&;\s'\"]+",
    re.IGNORECASE,
)
MASK = "***"
"""Stands in place of a password."""


def without_passwords(text: str) -> str:
    """The text with ``***`` for the password of every URI in it: ``postgresql://me:***@host/db``.

    A password may itself hold ``:``, ``/`` and ``@``: all up to the last ``@`` of the word counts.
    """
    return _QUERY.sub(rf"\1{MASK}", _USER_INFO.sub(rf"\1:{MASK}@", text))


def has_control_characters(text: str) -> bool:
    """Whether a terminal would obey a part of the text, or it has more than one line."""
    return not text.isprintable()


def printable(text: str) -> str:
    """The text with a space for every line break, and no other character that is not printable.

    Of an escape sequence, the visible rest stays: ``\\x1b[31m`` becomes ``[31m``.
    """
    return "".join(
        character if character.isprintable() else " " if character in "\n\t\r" else ""
        for character in text
    )
