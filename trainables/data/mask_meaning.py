"""The meaning of the values in a folder's masks: class numbers, or the colours of `classes.txt`.

The same for every mask, decided from all of them before the first is used, where `classes.txt`
leaves it open. Masks that number objects are read so only if `classes.txt` says it.
Shape letters: H rows, W columns, C colours.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.data import files
from trainables.data.classes import Classes, Colour
from trainables.data.dataset import DataError
from trainables.data.instances import InstanceMask
from trainables.data.samples import LabelTable, MaskReader
from trainables.geometry.boundaries import VOID

_THREADS = 8
_AT_ONCE = 64
_DEEP = (
    "; if the mask numbers objects, `NAME nonzero` as the second class in classes.txt reads every "
    "value but 0 as this class"
)
_REMEDY = "; `NAME {} {} {}` in classes.txt gives this grey value to a class"


class Meaning(NamedTuple):
    """How every mask is read, and what the user should know of it."""

    reader: MaskReader
    rules: str
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ClassColours:
    """Reads a mask by class numbers or by colours, whichever its values are."""

    classes: Classes
    grey: LabelTable
    """The labels of grey values."""

    def read(self, path: Path) -> tuple[NDArray[np.uint8], bytes]:
        """Labels (H,W) of a mask file, and the file's content.

        Raises:
            DataError: it holds a value or a colour of no class, or a palette that contradicts
                the colours of `classes.txt`.
        """
        complete = len(self.classes.colours) == len(self.classes.names)
        mask = files.read_mask(path, colours=complete, deep_remedy=_DEEP)
        by_number, content = LabelTable.of(self.classes.by_value, ""), mask.content
        if mask.colours_HWC is not None:
            return self._by_colour(path, mask.colours_HWC), files.marked("colours", content)
        if is_grey(mask) or not self.classes.colours:
            labels_HW = self.grey.apply(path, grey_values(mask, self.classes))
        else:
            labels_HW = self._by_palette(path, mask).apply(path, mask.values_HW)
        if (by_number.labels_256[mask.values_HW] != labels_HW).any():
            content = files.marked("colours", content)
        return labels_HW, content

    def _by_colour(self, path: Path, colours_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        known = {packed(colour): label for colour, label in self.classes.by_colour.items()}
        keys = np.array(sorted(known), dtype=np.int32)
        wide_HWC = colours_HWC.astype(np.int32)
        found_HW = wide_HWC[..., 0] << 16 | wide_HWC[..., 1] << 8 | wide_HWC[..., 2]
        place_HW = np.searchsorted(keys, found_HW).clip(max=len(keys) - 1)
        if (wrong_HW := keys[place_HW] != found_HW).any():
            colour = " ".join(map(str, colours_HWC[wrong_HW][0]))
            raise DataError(
                f"{path}: must hold the colours of {self.classes.path.name}, got {colour}; "
                f"`NAME {colour}` gives it to a class, `void {colour}` leaves it out"
            )
        labels = np.array([known[int(key)] for key in keys], dtype=np.uint8)
        labels_HW: NDArray[np.uint8] = labels[place_HW]
        return labels_HW

    def _by_palette(self, path: Path, mask: files.Mask) -> LabelTable:
        """The labels of a palette's indices: by number where the colours agree, else by colour."""
        assert mask.palette_256C is not None
        by_value, by_colour = self.classes.by_value, self.classes.by_colour
        agree, coloured = True, {}
        for index in np.unique(mask.values_HW).tolist():
            red, green, blue = mask.palette_256C[index].tolist()
            label, number = by_colour.get((red, green, blue)), by_value.get(index)
            coloured[index] = label
            written = number is not None and number in self.classes.colours
            agree &= label == number or (label in (None, VOID) and not written)
        if agree:
            return LabelTable.of(by_value, self.grey.allowed)
        known = {index: label for index, label in coloured.items() if label is not None}
        if len(known) == len(coloured):
            return LabelTable.of(known, "")
        index = min(coloured.keys() - known.keys())
        colour = " ".join(map(str, mask.palette_256C[index].tolist()))
        raise DataError(
            f"{path}: its palette contradicts {self.classes.path.name}: index {index} has the "
            f"colour {colour}, which is no class's; give the palette's colours, or none"
        )


def packed(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def is_grey(mask: files.Mask) -> bool:
    """Whether a mask is grey, or its palette gives every used index its own grey."""
    if mask.colours_HWC is not None:
        return False
    if mask.palette_256C is None:
        return True
    used = np.unique(mask.values_HW)
    return bool((mask.palette_256C[used] == used[:, None]).all())


def grey_values(mask: files.Mask, classes: Classes) -> NDArray[np.uint8]:
    """The values of a mask. White of a mask of one bit is 255 where `classes.txt` has it."""
    if mask.bits == 1 and (VOID, VOID, VOID) in classes.colours.values():
        return mask.values_HW * np.uint8(VOID)
    return mask.values_HW


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
    binary = len(classes.names) == 2 and classes.void is None and VOID not in differing
    binary_labels = {0: 0, VOID: 1}
    notes: tuple[str, ...] = ()
    table = LabelTable.of(numbers, _allowed(classes), _REMEDY)
    if differing or binary:
        enough = set() if differing else {1}
        held = _values(classes, masks, enough)
        if differing & held:
            table = LabelTable.of(greys, _by_name(classes, greys), _REMEDY)
            notes = (f"grey masks are read by the colours of classes.txt: {table.allowed}",)
        elif binary and VOID in held and 1 not in held:
            table = LabelTable.of(binary_labels, _by_name(classes, binary_labels), _REMEDY)
            notes = (
                f"masks hold 0 and 255 and no 1, so they are read as {table.allowed}; a line "
                f"`void 255` in classes.txt would leave 255 out",
            )
    reader = ClassColours(classes, table)
    written = [sorted(numbers.items()), sorted(classes.by_colour.items())]
    return Meaning(reader, f"{written} {table.labels_256.tolist()}", notes)


def _of_instances(classes: Classes) -> Meaning:
    reader = InstanceMask(classes.void)
    meaning = reader.meaning(classes.names)
    note = f"masks number objects: {meaning}; objects that touch become one"
    return Meaning(reader, f"instances: {meaning}", (note,))


def _allowed(classes: Classes) -> str:
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
            mask = files.read_mask(path, colours=True)
        except DataError:
            return set()
        if mask.colours_HWC is not None or (classes.colours and not is_grey(mask)):
            return set()
        return set(np.unique(grey_values(mask, classes)).tolist())

    every = list(masks)
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(every), _AT_ONCE):
            yield from pool.map(values_of, every[start : start + _AT_ONCE])
