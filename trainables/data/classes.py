"""The classes of a folder dataset: their names, values and colours, and what is void.

`classes.txt` has one class per line, in label order, each with an optional value (`vessel 255`) or
colour (`road 128 64 128`). A line `void 0` or `void 224 224 192` names a value or a colour that is
ignored, besides 255; the labels then skip the value. `nucleus nonzero` as the second of two classes
says that masks number objects: 0 is the first class, every other value the second
(``trainables/data/instances.py``). ``data/class_names`` says the same in one text, see
``trainables/data/class_entries.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainables.config import DataConfig
from trainables.data import class_entries, lists
from trainables.data.class_entries import NONZERO, Entry, Source
from trainables.data.dataset import DataError
from trainables.data.label_tables import voc_palette
from trainables.data.samples import MOST_CLASSES
from trainables.geometry.boundaries import VOID

Colour = tuple[int, int, int]
FILE = "classes.txt"


@dataclass(frozen=True)
class Classes:
    """The classes that a user names."""

    source: Source
    names: tuple[str, ...]
    colours: dict[int, Colour]
    """The written colours, by class."""
    void: int | None
    """The value of a line `void 0`."""
    void_colours: tuple[Colour, ...] = ()
    """The colours of lines `void 224 224 192`."""
    nonzero: bool = False
    """Whether masks number objects, and every value but 0 is the second class."""
    values: Mapping[int, int] = field(default_factory=dict)
    """The written values, by class; another class has its number as value."""

    @property
    def pictures(self) -> tuple[Colour, ...]:
        """A colour for every class: the written one, or PASCAL VOC's."""
        spare = voc_palette(len(self.names) + 1)[1:]
        return tuple(self.colours.get(label, spare[label]) for label, _ in enumerate(self.names))

    @property
    def value_of(self) -> tuple[int, ...]:
        """The value of each class in masks: the written one, or its number, which skips void's."""
        void = VOID if self.void is None else self.void
        numbers = [value for value in range(len(self.names) + 1) if value != void]
        return tuple(self.values.get(label, numbers[label]) for label, _ in enumerate(self.names))

    @property
    def by_value(self) -> dict[int, int]:
        """The label of each class's value and of void values in a mask."""
        labels = {value: label for label, value in enumerate(self.value_of)}
        voids = {VOID if self.void is None else self.void: VOID, VOID: VOID}
        return labels | {value: void for value, void in voids.items() if value not in labels}

    @property
    def by_colour(self) -> dict[Colour, int]:
        """The label of each written colour and value. A grey value v is the colour (v, v, v)."""
        voids = {VOID, VOID if self.void is None else self.void}
        written = {colour: label for label, colour in self.colours.items()}
        valued = {
            (value, value, value): label
            for label, value in enumerate(self.value_of)
            if self.values and label not in self.colours
        }
        greys: dict[Colour, int] = {(value, value, value): VOID for value in voids}
        return {**greys, **dict.fromkeys(self.void_colours, VOID), **valued, **written}

    @property
    def has_every_colour(self) -> bool:
        """Whether each class has a written colour or value, so that masks in colours are known."""
        return bool(self.values) or len(self.colours) == len(self.names)

    @property
    def has_real_colours(self) -> bool:
        """Whether a written colour is none of grey."""
        return any(len(set(colour)) > 1 for colour in self.colours.values())

    @property
    def is_white_a_class(self) -> bool:
        """Whether 255 is a class's value or grey."""
        return self.by_colour[VOID, VOID, VOID] != VOID


def of(config: DataConfig) -> Classes:
    """The classes of ``data/class_names``, or else those of `classes.txt` in the dataset's folder.

    Raises:
        DataError: neither is there, or one cannot be understood or contradicts itself.
    """
    if config.class_names:
        return written(class_entries.of_text(config.class_names))
    return read(Path(config.root).expanduser() / FILE)


def are_given(config: DataConfig) -> bool:
    """Whether there are names of classes, in the config or in the dataset's folder."""
    return bool(config.class_names) or (Path(config.root).expanduser() / FILE).is_file()


def read(path: Path) -> Classes:
    """The classes that this file names.

    Raises:
        DataError: it is missing, or a line of it cannot be understood or contradicts another.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: missing; it names the classes, one per line, in label order; or give "
            f"--classes NAME,NAME"
        )
    return written(class_entries.of_lines(path, lists.read(path, names_files=False)))


def written(named: tuple[Source, Sequence[Entry]]) -> Classes:
    """The classes that these entries name.

    Raises:
        DataError: an entry contradicts another.
    """
    source, entries = named
    names: list[str] = []
    colours: dict[int, Colour] = {}
    values: dict[int, int] = {}
    void: int | None = None
    void_colours: list[Colour] = []
    for entry in entries:
        if entry.name.lower() == "void":
            if len(entry.numbers) == 3:
                void_colours.append(_colour(entry))
            else:
                void = _void(source, entry, void)
            continue
        if not entry.name.isprintable():
            raise DataError(f"{entry.where}: {entry.name!r} holds a control character")
        if entry.name in names:
            raise DataError(f"{entry.where}: class {entry.name!r} is named twice")
        if len(entry.numbers) == 3:
            colours[len(names)] = _new_colour(entry, (*colours.values(), *void_colours))
        elif entry.numbers:
            values[len(names)] = entry.numbers[0]
        names.append(entry.name)
    _require_count(source, len(names), void)
    found = Classes(source, tuple(names), colours, void, tuple(void_colours), values=values)
    _require_one_value_each(found)
    return _of_instances(found)


def _of_instances(classes: Classes) -> Classes:
    """The classes without the word `nonzero`, which says that masks number objects.

    Raises:
        DataError: it stands elsewhere than at the second of two classes, or contradicts a line.
    """
    source = classes.source
    if not any(name.endswith(NONZERO) for name in classes.names):
        return classes
    first, second = classes.names[0], classes.names[1].removesuffix(NONZERO)
    if len(classes.names) != 2 or first.endswith(NONZERO) or first == second:
        raise DataError(
            f"{source}: `nonzero` must follow the second of two names, as in `background` and"
            f" `{source.entry('nucleus', 'nonzero')}`, got {', '.join(map(repr, classes.names))}"
        )
    if classes.colours or classes.values or classes.void_colours or classes.void == 0:
        raise DataError(
            f"{source}: `nonzero` makes 0 {first} and every other value {second}: a colour "
            f"or `{source.entry('void', 0)}` must not stand beside it"
        )
    return replace(classes, names=(first, second), nonzero=True)


def _void(source: Source, entry: Entry, known: int | None) -> int:
    if len(entry.numbers) != 1:
        value, colour = source.entry("void", 0), source.entry("void", 224, 224, 192)
        raise DataError(
            f"{entry.where}: void must have one value or a colour, as in `{value}` or `{colour}`, "
            f"got {entry.text!r}"
        )
    if known is not None and known != entry.numbers[0]:
        raise DataError(f"{entry.where}: void is {known} already, got {entry.numbers[0]}")
    return entry.numbers[0]


def _colour(entry: Entry) -> Colour:
    red, green, blue = entry.numbers
    return red, green, blue


def _new_colour(entry: Entry, known: Sequence[Colour]) -> Colour:
    colour = _colour(entry)
    if colour in known:
        raise DataError(
            f"{entry.where}: the colour {' '.join(map(str, colour))} is given twice; "
            f"every class needs its own"
        )
    return colour


def _require_one_value_each(classes: Classes) -> None:
    """Raise a DataError if a written value is another class's, or void's, too."""
    if not classes.values:
        return
    holders: dict[int, list[str]] = {}
    for name, value in zip(classes.names, classes.value_of, strict=True):
        holders.setdefault(value, []).append(repr(name))
    if classes.void is not None:
        holders.setdefault(classes.void, []).append("void")
    for value, names in holders.items():
        if len(names) > 1:
            raise DataError(
                f"{classes.source}: {' and '.join(names)} have the value {value}; a class without "
                f"a written value has its place in the list, from 0"
            )


def _require_count(source: Source, count: int, void: int | None) -> None:
    """Labels are 0..254 and 255 is void; where void takes a number, one class less fits."""
    most = MOST_CLASSES - (void is not None and void < VOID)
    if not 2 <= count <= most:
        raise DataError(f"{source}: must name 2..{most} classes, got {count}")
