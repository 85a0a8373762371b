"""What the values of mask files mean, where they are numbers.

Shape letters: H rows, W columns.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trainables.data import mask_files
from trainables.data.dataset import DataError
from trainables.geometry.boundaries import VOID


@dataclass(frozen=True, eq=False)
class LabelTable:
    """The meaning of the values in a mask file."""

    labels_256: NDArray[np.int16]
    """Label of each file value: 0..K-1, void 255, or -1 for a value that is not allowed."""
    allowed: str
    """For the error message: ``0..10 or void (11)``."""
    remedy: str = ""
    """The end of the error message, with ``{}`` for the value: what the user can do."""

    @classmethod
    def of(cls, labels: Mapping[int, int], allowed: str, remedy: str = "") -> "LabelTable":
        table = np.full(256, -1, dtype=np.int16)
        table[list(labels)] = list(labels.values())
        return cls(table, allowed, remedy)

    @classmethod
    def plain(cls, num_classes: int) -> "LabelTable":
        """The file's values are the labels."""
        return cls.of(
            {**{label: label for label in range(num_classes)}, VOID: VOID},
            f"0..{num_classes - 1} or void ({VOID})",
        )

    @classmethod
    def from_one(cls, num_classes: int) -> "LabelTable":
        """The file counts classes from 1, and 0 is void."""
        labels = {label + 1: label for label in range(num_classes)}
        return cls.of({0: VOID, **labels}, f"1..{num_classes} or void (0)")

    def read(self, path: Path) -> tuple[NDArray[np.uint8], bytes]:
        """Labels (H,W) of a mask file, and the file's content."""
        mask = mask_files.read_mask(path)
        return self.apply(path, mask.values_HW), mask.content

    def apply(self, path: Path | str, mask_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels of a mask.

        Raises:
            DataError: it holds a value that is not allowed.
        """
        if others := self.others(mask_HW):
            wrong = min(others)
            remedy = self.remedy.replace("{}", str(wrong))
            raise DataError(f"{path}: labels must be {self.allowed}, got {wrong}{remedy}")
        return self.looked_up(mask_HW)

    def others(self, mask_HW: NDArray[np.uint8]) -> bytes:
        """The values of a mask that are not allowed, each as often as it is there."""
        return mask_HW.tobytes().translate(
            None, np.flatnonzero(self.labels_256 >= 0).astype(np.uint8).tobytes()
        )

    def looked_up(self, mask_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels of a mask of allowed values; a fifth of the time of an index by an array."""
        table = self.labels_256.astype(np.uint8).tobytes()
        labels = bytearray(mask_HW.tobytes()).translate(table)  # a bytearray: it may be written to
        return np.frombuffer(labels, dtype=np.uint8).reshape(mask_HW.shape)


class MaskReader(Hashable, Protocol):
    """What turns a mask file into labels: a ``LabelTable``, or a folder's ``ClassColours``."""

    def read(self, path: Path) -> tuple[NDArray[np.uint8], bytes]:
        """Labels (H,W) of a mask file, and the file's content; a DataError that names it."""


def voc_palette(num_classes: int) -> tuple[tuple[int, int, int], ...]:
    """PASCAL VOC's colours: bits 0, 3, 6 ... of a label are red's bits from the highest down, bits
    1, 4, 7 ... green's, bits 2, 5, 8 ... blue's."""
    colours = []
    for label in range(num_classes):
        channels = [
            sum((label >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(8))
            for channel in range(3)
        ]
        colours.append((channels[0], channels[1], channels[2]))
    return tuple(colours)
