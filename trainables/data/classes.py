"""`classes.txt` of a folder dataset: the classes' names and colours, and what is void.

One class per line, in label order, each with an optional colour (`road 128 64 128`). A line
`void 0` or `void 224 224 192` names a value or a colour that is ignored, besides 255; the labels
then skip the value. `nucleus nonzero` as the second of two classes says that masks number objects:
0 is the first class, every other value the second (``trainables/data/instances.py``).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from trainables.data import lists
from trainables.data.dataset import DataError
from trainables.data.samples import MOST_CLASSES, voc_palette
from trainables.geometry.boundaries import VOID

Colour = tuple[int, int, int]
_NONZERO = " nonzero"


@dataclass(frozen=True)
class Classes:
    """The content of `classes.txt`."""

    path: Path
    names: tuple[str, ...]
    colours: dict[int, Colour]
    """The written colours, by class."""
    void: int | None
    """The value of a line `void 0`."""
    void_colours: tuple[Colour, ...] = ()
    """The colours of lines `void 224 224 192`."""
    nonzero: bool = False
    """Whether masks number objects, and every value but 0 is the second class."""

    @property
    def pictures(self) -> tuple[Colour, ...]:
        """A colour for every class: the written one, or PASCAL VOC's."""
        spare = voc_palette(len(self.names) + 1)[1:]
        return tuple(self.colours.get(label, spare[label]) for label, _ in enumerate(self.names))

    @property
    def by_value(self) -> dict[int, int]:
        """The label of each class number and void value in a mask: void's number is skipped."""
        void = VOID if self.void is None else self.void
        values = [value for value in range(len(self.names) + 1) if value != void]
        labels = {value: label for label, value in enumerate(values[: len(self.names)])}
        return {**labels, void: VOID, VOID: VOID}

    @property
    def by_colour(self) -> dict[Colour, int]:
        """The label of each written colour. A grey value v is the colour (v, v, v)."""
        voids = {VOID, VOID if self.void is None else self.void}
        written = {colour: label for label, colour in self.colours.items()}
        greys: dict[Colour, int] = {(value, value, value): VOID for value in voids}
        return {**greys, **dict.fromkeys(self.void_colours, VOID), **written}


def read(path: Path) -> Classes:
    """The classes that this file names.

    Raises:
        DataError: it is missing, or a line of it cannot be understood or contradicts another.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing; it names the classes, one per line, in label order")
    names: list[str] = []
    colours: dict[int, Colour] = {}
    void: int | None = None
    void_colours: list[Colour] = []
    for line in lists.read(path, names_files=False):
        name, numbers = _parse(path.parent, line)
        if name.lower() == "void":
            if len(numbers) == 3:
                void_colours.append(_colour(numbers))
            else:
                void = _void(path.parent, line, numbers, void)
            continue
        if not name.isprintable():
            raise DataError(f"{path.parent / line.listed}: {name!r} holds a control character")
        if name in names:
            raise DataError(f"{path.parent / line.listed}: class {name!r} is named twice")
        if numbers:
            colours[len(names)] = _new_colour(path.parent, line, numbers, colours, void_colours)
        names.append(name)
    _require_count(path, len(names), void)
    return _of_instances(Classes(path, tuple(names), colours, void, tuple(void_colours)))


def _of_instances(classes: Classes) -> Classes:
    """The classes without the word `nonzero`, which says that masks number objects.

    Raises:
        DataError: it stands elsewhere than at the second of two classes, or contradicts a line.
    """
    if not any(name.endswith(_NONZERO) for name in classes.names):
        return classes
    first, second = classes.names[0], classes.names[1].removesuffix(_NONZERO)
    if len(classes.names) != 2 or first.endswith(_NONZERO) or first == second:
        raise DataError(
            f"{classes.path}: `nonzero` must follow the second of two names, as in `background` and"
            f" `nucleus nonzero`, got {', '.join(map(repr, classes.names))}"
        )
    if classes.colours or classes.void_colours or classes.void == 0:
        raise DataError(
            f"{classes.path}: `nonzero` makes 0 {first} and every other value {second}: a colour "
            f"or `void 0` must not stand beside it"
        )
    return replace(classes, names=(first, second), nonzero=True)


def _parse(folder: Path, line: lists.Line) -> tuple[str, tuple[int, ...]]:
    """The name, and the numbers of a colour or, for void, of a value."""
    words = list(line.words)
    if len(words) > 3 and all(_is_number(word) for word in words[-3:]):
        name, tail = words[:-3], words[-3:]
    elif words[0].lower() == "void" and all(_is_number(word) for word in words[1:]):
        name, tail = words[:1], words[1:]
    else:
        return " ".join(words), ()
    numbers = tuple(int(word) for word in tail)
    if not all(0 <= number <= 255 for number in numbers):
        raise DataError(
            f"{folder / line.listed}: a colour and a void value must be 0..255, got "
            f"{' '.join(tail)}"
        )
    return " ".join(name), numbers


def _is_number(word: str) -> bool:
    return word.removeprefix("-").isdecimal()


def _void(folder: Path, line: lists.Line, numbers: tuple[int, ...], known: int | None) -> int:
    if len(numbers) != 1:
        raise DataError(
            f"{folder / line.listed}: void must have one value or a colour, as in `void 0` or "
            f"`void 224 224 192`, got {' '.join(line.words)!r}"
        )
    if known is not None and known != numbers[0]:
        raise DataError(f"{folder / line.listed}: void is {known} already, got {numbers[0]}")
    return numbers[0]


def _colour(numbers: tuple[int, ...]) -> Colour:
    return numbers[0], numbers[1], numbers[2]


def _new_colour(
    folder: Path,
    line: lists.Line,
    numbers: tuple[int, ...],
    colours: dict[int, Colour],
    void_colours: list[Colour],
) -> Colour:
    colour = _colour(numbers)
    if colour in (*colours.values(), *void_colours):
        raise DataError(
            f"{folder / line.listed}: the colour {' '.join(map(str, colour))} is given twice; "
            f"every class needs its own"
        )
    return colour


def _require_count(path: Path, count: int, void: int | None) -> None:
    """Labels are 0..254 and 255 is void; where void takes a number, one class less fits."""
    most = MOST_CLASSES - (void is not None and void < VOID)
    if not 2 <= count <= most:
        raise DataError(f"{path}: must name 2..{most} classes, got {count}")
