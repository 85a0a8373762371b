"""Reads a mask by class numbers or by colours, whichever its values are.

Shape letters: H rows, W columns, C colours.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.data import files, mask_files
from trainables.data.classes import Classes, Colour
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable
from trainables.data.mask_files import Mask
from trainables.geometry.boundaries import VOID


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
        classes = self.classes
        mask = stored(path, classes)
        by_number, content = LabelTable.of(classes.by_value, ""), mask.content
        if mask.colours_HWC is not None:
            return self._by_colour(path, mask.colours_HWC), files.marked("colours", content)
        if is_grey(mask) or not (classes.colours or classes.values):
            _require_white_second(path, mask, classes)
            _require_one_reading(path, mask, classes)
            labels_HW = self.grey.apply(path, grey_values(mask, classes))
        else:
            labels_HW = self._by_palette(path, mask).apply(path, mask.values_HW)
        values_HW = mask.values_HW
        if by_number.others(values_HW) or (by_number.looked_up(values_HW) != labels_HW).any():
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
            source = self.classes.source
            name, void = (source.entry(word, *colour.split()) for word in ("NAME", "void"))
            raise DataError(
                f"{path}: must hold the colours of {source.name}, got {colour}; "
                f"`{name}` gives it to a class, `{void}` leaves it out"
            )
        labels = np.array([known[int(key)] for key in keys], dtype=np.uint8)
        labels_HW: NDArray[np.uint8] = labels[place_HW]
        return labels_HW

    def _by_palette(self, path: Path, mask: Mask) -> LabelTable:
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
            f"{path}: its palette contradicts {self.classes.source.name}: index {index} has the "
            f"colour {colour}, which is no class's; give the palette's colours, or none"
        )


def stored(path: Path, classes: Classes) -> Mask:
    """A mask as it is stored; greys that are stored as RGB count as greys, unless classes have
    colours: then black may be what nobody has labelled.

    Raises:
        DataError: see ``mask_files.read_mask``.
    """
    return mask_files.read_mask(
        path,
        colours=classes.has_every_colour and bool(classes.colours),
        grey=not classes.has_real_colours,
        deep_remedy=(
            f"; if the mask numbers objects, `{classes.source.entry('NAME', 'nonzero')}` as the "
            f"second class in {classes.source.name} reads every value but 0 as this class"
        ),
    )


def _require_white_second(path: Path, mask: Mask, classes: Classes) -> None:
    """Raise a DataError for a palette that shows number 0 of two in a brighter grey than number 1:
    a viewer shows the opposite of what the numbers say."""
    if mask.palette_256C is None or len(classes.names) > 2:
        return
    first, second = mask.palette_256C[:2].tolist()
    used = set(np.unique(mask.values_HW).tolist())
    if used <= {0, 1} and len(set(first)) == len(set(second)) == 1 and first > second:
        values = [
            classes.source.entry(name, grey) for name, grey in zip("AB", (0, 255), strict=True)
        ]
        raise DataError(
            f"{path}: its palette shows 0 as grey {first[0]} and 1 as grey {second[0]}, the "
            f"brighter one first; `{values[0]}` and `{values[1]}` in {classes.source.name} "
            f"say which is which"
        )


def _require_one_reading(path: Path, mask: Mask, classes: Classes) -> None:
    """Raise a DataError for a palette whose numbers and whose greys are values of classes, and not
    the same ones: a program that makes files smaller numbers greys anew."""
    if mask.palette_256C is None:
        return
    used = np.unique(mask.values_HW)
    greys = mask.palette_256C[used]
    values, shown = set(classes.value_of), greys[:, 0].tolist()
    if (
        (greys == greys[:, :1]).all()
        and shown != used.tolist()
        and set(used.tolist()) <= values
        and set(shown) <= values
    ):
        raise DataError(
            f"{path}: its palette shows the numbers {', '.join(map(str, used.tolist()))} as the "
            f"greys {', '.join(map(str, shown))}, and both are values of classes: save it in grey"
        )


def packed(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def is_grey(mask: Mask) -> bool:
    """Whether a mask is grey, or its palette gives every used index its own grey."""
    if mask.colours_HWC is not None:
        return False
    if mask.palette_256C is None:
        return True
    used = np.unique(mask.values_HW)
    return bool((mask.palette_256C[used] == used[:, None]).all())


def grey_values(mask: Mask, classes: Classes) -> NDArray[np.uint8]:
    """The values of a mask. White of a mask of one bit is 255 where a class has it."""
    if mask.bits == 1 and classes.is_white_a_class:
        return mask.values_HW * np.uint8(VOID)
    return mask.values_HW
