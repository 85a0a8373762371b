"""How classes are written: a line of `classes.txt`, or an item of ``data/class_names``.

| `classes.txt` | ``data/class_names`` | |
|---|---|---|
| `road` | `road` | its value in masks is its place, from 0 |
| `vessel 255` | `vessel=255` | its value |
| `road 128 64 128` | `road=128/64/128` | its colour |
| `void 7`, `void 224 224 192` | `void=7`, `void=224/224/192` | no class: left out |
| `nucleus nonzero` | `nucleus=nonzero` | every value but 0 |
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainables.data import lists
from trainables.data.dataset import DataError

NONZERO = " nonzero"


@dataclass(frozen=True)
class Source:
    """Where classes are named, for messages."""

    text: str
    """The file, or the option."""
    inline: bool = False
    """Whether it is an option's text."""

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        return self.text if self.inline else Path(self.text).name

    def entry(self, name: str, *values: object) -> str:
        """How a class, or void, with these values is written here."""
        if not self.inline:
            return " ".join(map(str, (name, *values)))
        return f"{name}={'/'.join(map(str, values))}" if values else name


@dataclass(frozen=True)
class Entry:
    """A class, or what is void."""

    where: str
    text: str
    name: str
    """With ``NONZERO`` at its end, if that is written."""
    numbers: tuple[int, ...]
    """None, a value, or the three of a colour; of void, whatever is written."""


def of_text(text: str) -> tuple[Source, list[Entry]]:
    """The entries of ``data/class_names``: `background,vessel=255,void=7`.

    Raises:
        DataError: one cannot be understood.
    """
    source = Source("--classes", inline=True)
    return source, [_item(part.strip(), text) for part in text.split(",")]


def _item(text: str, whole: str) -> Entry:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not name or (equals and not value):
        raise DataError(
            f"--classes: must be names with commas between them, each with =VALUE, =R/G/B or "
            f"=nonzero if needed, got {whole!r}"
        )
    if value == NONZERO.strip():
        return Entry("--classes", text, name + NONZERO, ())
    words = [word.strip() for word in value.split("/")] if value else []
    if not all(_is_number(word) for word in words) or len(words) not in (0, 1, 3):
        raise DataError(
            f"--classes: the value of {name!r} must be a number, three of a colour with / between "
            f"them, or nonzero, got {value!r}"
        )
    return Entry("--classes", text, name, _numbers("--classes", words))


def of_lines(path: Path, lines: Sequence[lists.Line]) -> tuple[Source, list[Entry]]:
    """The entries of a file.

    A name with one number at its end is a class with a value, unless names would then repeat:
    `type 1` and `type 2` are names.

    Raises:
        DataError: a line cannot be understood.
    """
    valued = [_valued(line.words) for line in lines]
    counts = Counter(
        line.words[:-1] if one else line.words for line, one in zip(lines, valued, strict=True)
    )
    unique = all(count == 1 for count in counts.values())
    entries = [
        _line(str(path.parent / line.listed), line, unique and one)
        for line, one in zip(lines, valued, strict=True)
    ]
    return Source(str(path)), entries


def _valued(words: Sequence[str]) -> bool:
    """Whether a class's line may end in a value: in one number from 0 to 255."""
    if len(words) < 2 or words[0].lower() == "void":
        return False
    colour = len(words) > 3 and all(_is_number(word) for word in words[-3:])
    return not colour and words[-1].isdecimal() and int(words[-1]) <= 255


def _line(where: str, line: lists.Line, valued: bool) -> Entry:
    words, text = list(line.words), " ".join(line.words)
    if len(words) > 3 and all(_is_number(word) for word in words[-3:]):
        name, tail = words[:-3], words[-3:]
    elif words[0].lower() == "void" and all(_is_number(word) for word in words[1:]):
        name, tail = words[:1], words[1:]
    elif valued:
        name, tail = words[:-1], words[-1:]
    else:
        return Entry(where, text, text, ())
    return Entry(where, text, " ".join(name), _numbers(where, tail))


def _is_number(word: str) -> bool:
    return word.removeprefix("-").isdecimal()


def _numbers(where: str, words: Sequence[str]) -> tuple[int, ...]:
    numbers = tuple(int(word) for word in words)
    if not all(0 <= number <= 255 for number in numbers):
        raise DataError(f"{where}: a colour and a void value must be 0..255, got {' '.join(words)}")
    return numbers
