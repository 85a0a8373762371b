"""Checksums of a ledger's lines: each covers its line and, through the one before, all above it.

So a changed digit, a removed line and lines in another order are noticed. They are no signature:
who can write the file can also write new checksums.
"""

import hashlib

_KEY = b',"chain":"'
_DIGITS = 16
_END = b'"}'
_LENGTH = len(_KEY) + _DIGITS + len(_END)


def link(line: bytes, before: str) -> tuple[bytes, str]:
    """Add its checksum to a line, as the last key of its JSON object.

    Args:
        line: a JSON object with at least one key, without the newline.
        before: the checksum of the line before; "" for the first.

    Returns:
        The line with its checksum, and the checksum, 16 hex digits.
    """
    assert line.endswith(b"}")
    found = hashlib.sha256(before.encode() + line).hexdigest()[:_DIGITS]
    return line[:-1] + _KEY + found.encode() + _END, found


def is_linked(line: bytes) -> bool:
    """Whether a line ends with a checksum, right or wrong."""
    return line[-_LENGTH:].startswith(_KEY) and line.endswith(_END)


def checksum_of(line: bytes, before: str) -> str | None:
    """The checksum of a line; None if it does not fit the line, or the checksum before."""
    if not is_linked(line):
        return None
    linked, found = link(line[:-_LENGTH] + b"}", before)
    return found if linked == line else None
