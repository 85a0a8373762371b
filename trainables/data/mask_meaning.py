"""The meaning of the values in a folder's masks: class numbers, or the colours of `classes.txt`.

The same for every mask, decided from all of them before the first is used, where `classes.txt`
leaves it open. Masks that number objects are read so only if `classes.txt` says it.
Shape letters: H rows, W columns, C colours.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trainables.data.class_colours import ClassColours, grey_values, is_grey, stored
from trainables.data.classes import Classes
from trainables.data.dataset import DataError
from trainables.data.instances import InstanceMask
from trainables.data.label_tables import LabelTable, MaskReader
from trainables.geometry.boundaries import VOID

_THREADS = 8
_AT_ONCE = 64


class Meaning(NamedTuple):
    """How every mask is read, and what the user should know of it."""

    reader: MaskReader
    rules: str
    notes: tuple[str, ...]


def decide(classes: Classes, masks: Sequence[Path]) -> Meaning:
    """How the masks of a dataset are read.

    A mask is opened here only if its values can mean two things: grey values that are the colour
    of one class and the number of another, or 255 as the second of two classes.
    """
    if classes.nonzero:
        return _of_instances(classes)
    numbers = classes.by_value
    greys = {
        colour[0]: label for colour, label in classes.by_colour.items() if len(set(colour)) == 1
    }
    differing = {value for value, label in greys.items() if numbers.get(value) != label}
    binary = _may_be_binary(classes) and VOID not in differing
    source = classes.source
    value = source.entry("NAME", *(["{}"] if source.inline else ["{}"] * 3))
    remedy = f"; `{value}` in {source.name} gives this grey value to a class"
    notes = _of_values(classes)
    table = LabelTable.of(numbers, _allowed(classes), remedy)
    if differing or binary:
        held = _values(classes, masks, set() if differing else {1})
        if differing & held:
            greys |= _numbers_beside(classes, greys, held)
            table = LabelTable.of(greys, _by_name(classes, greys), remedy)
            notes = (f"grey masks are read by the colours of {source.name}: {table.allowed}",)
        elif binary and (second := _second_value(held)):
            labels = {0: 0, second: 1}
            voids = {} if second == VOID else {VOID: VOID}
            table = LabelTable.of(labels | voids, _by_name(classes, labels | voids), remedy)
            notes = (_two_values(classes, second, _by_name(classes, labels)),)
    reader = ClassColours(classes, table)
    written = [sorted(numbers.items()), sorted(classes.by_colour.items())]
    return Meaning(reader, f"{written} {table.labels_256.tolist()}", notes)


def _may_be_binary(classes: Classes) -> bool:
    """Whether masks of 0 and one other value could be the two classes."""
    return len(classes.names) == 2 and classes.void is None and not classes.values


def _second_value(held: set[int]) -> int:
    """The value beside 0 that is the second of two classes; 0: there is none but 1, or several."""
    others = held - {0}
    if VOID in others and 1 not in others:
        return VOID if others == {VOID} else 0
    return others.pop() if len(others) == 1 and 1 not in others else 0


def _numbers_beside(classes: Classes, greys: dict[int, int], held: set[int]) -> dict[int, int]:
    """Classes without a written grey, by number, where masks hold values of no written grey."""
    known = set(greys.values())
    free = {
        value: label
        for value, label in classes.by_value.items()
        if label not in known and value not in greys
    }
    return free if held - greys.keys() else {}


def _two_values(classes: Classes, second: int, said: str) -> str:
    text = f"masks hold 0 and {second} and no 1, so they are read as {said}"
    if second == VOID:
        source = classes.source
        text += f"; a line `{source.entry('void', 255)}` in {source.name} would leave 255 out"
    return text


def _of_values(classes: Classes) -> tuple[str, ...]:
    """A line where classes have written values."""
    if not classes.values:
        return ()
    said = _by_name(classes, dict(sorted(classes.by_value.items())))
    return (f"masks are read by the values of {classes.source.name}: {said}",)


def _of_instances(classes: Classes) -> Meaning:
    reader = InstanceMask(classes.void)
    meaning = reader.meaning(classes.names)
    note = f"masks number objects: {meaning}; objects that touch become one"
    return Meaning(reader, f"instances: {meaning}", (note,))


def _allowed(classes: Classes) -> str:
    if classes.values:
        return _by_name(classes, classes.by_value)
    values = sorted(value for value, label in classes.by_value.items() if label != VOID)
    void = "255" if classes.void in (None, VOID) else f"{classes.void}, 255"
    return f"{values[0]}..{values[-1]} or void ({void})"


def _by_name(classes: Classes, labels: dict[int, int]) -> str:
    named = [
        f"{value} {'void' if label == VOID else classes.names[label]}"
        for value, label in sorted(labels.items())
    ]
    return ", ".join(named)


def _values(classes: Classes, masks: Sequence[Path], enough: set[int]) -> set[int]:
    """The values of all grey masks and of palettes' indices; it ends early at one of ``enough``.

    A mask that cannot be read is left out here: it is named when it is used.
    """
    held: set[int] = set()
    for values in _values_of_each(classes, dict.fromkeys(masks)):
        held |= values
        if held & enough:
            break
    return held


def _values_of_each(classes: Classes, masks: Iterable[Path]) -> Iterator[set[int]]:
    def values_of(path: Path) -> set[int]:
        try:
            mask = stored(path, classes)
        except DataError:
            return set()
        if mask.colours_HWC is not None or (classes.colours and not is_grey(mask)):
            return set()
        return set(np.unique(grey_values(mask, classes)).tolist())

    every = list(masks)
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(every), _AT_ONCE):
            yield from pool.map(values_of, every[start : start + _AT_ONCE])
