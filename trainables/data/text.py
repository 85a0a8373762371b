"""Text files of users: lists, `classes.txt`, CSV, in whatever encoding their editor chose."""

import codecs
from pathlib import Path

from trainables.data import files
from trainables.data.dataset import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; that of UTF-32 begins as one of UTF-16 does."""


def read_lines(path: Path, *, names_files: bool = False) -> list[str]:
    """The lines of a text file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Args:
        path: of the file.
        names_files: whether bytes that are not UTF-8 may be those of a file's name, which Linux
            leaves to its users.

    Raises:
        DataError: the first line that is in another encoding.
    """
    content = files.read_bytes(path)
    encoding = "utf-8"
    for mark, marked in _MARKS:
        if content.startswith(mark):
            content, encoding = content.removeprefix(mark), marked
            break
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if not names_files or encoding != "utf-8":
            before = content[: error.start].count(b"\n")
            raise DataError(
                f"{path}:{before + 1}: not {encoding.upper()}: save it as UTF-8"
            ) from None
        text = content.decode(encoding, errors="surrogateescape")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise DataError(f"{path}:{number}: holds a null character: save it as UTF-8")
    return lines


def is_comment(line: str) -> bool:
    """Whether a line is empty or begins with ``#``."""
    return not line.strip() or line.lstrip().startswith("#")
