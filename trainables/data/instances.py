"""Masks that number objects, in 8, 16 or 32 bits: 0 is the background, every other value an object.

Shape letters: H rows, W columns.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.data import files, mask_files, volume_files
from trainables.data.dataset import DataError
from trainables.geometry.boundaries import VOID

_MODES = ("1", "L", "P", "I", "I;16", "I;16B")
"""Pillow's modes of one channel of whole numbers."""


@dataclass(frozen=True)
class InstanceMask:
    """Reads a mask of objects as two classes. Objects that touch become one region."""

    void: int | None = None
    """The value that is left out; None: every value but 0 is an object, 255 too."""

    def read(self, path: Path) -> tuple[NDArray[np.uint8], bytes]:
        """Labels (H,W), 0, 1 or void, of a mask file, and the file's content.

        Raises:
            DataError: it cannot be decoded, has several channels or holds a negative number.
        """
        content = files.read_bytes(path)
        if volume_files.is_array(path):
            numbers = volume_files.mask_values(path)
            return self._labels(path, numbers), files.marked(self._how, content)
        image = files.open_image(path, content, deep=True)
        if image.mode not in _MODES:
            raise DataError(
                f"{path}: a mask of objects must have one channel of whole numbers, got mode "
                f"{image.mode}"
            )
        numbers_HW = np.asarray(image) // mask_files.stretch(image)
        return self._labels(path, numbers_HW), files.marked(self._how, content)

    def _labels(self, path: Path, numbers_HW: NDArray[np.generic]) -> NDArray[np.uint8]:
        if numbers_HW.min(initial=0) < 0:
            raise DataError(
                f"{path}: a mask of objects must number them from 1, got {numbers_HW.min()}"
            )
        labels_HW = (numbers_HW != 0).astype(np.uint8)
        if self.void is not None:
            labels_HW[numbers_HW == self.void] = VOID
        return labels_HW

    @property
    def _how(self) -> str:
        return f"nonzero, void {self.void}"

    def meaning(self, names: tuple[str, ...]) -> str:
        """What the values are, in words."""
        void = f", {self.void} void" if self.void is not None else ""
        return f"0 {names[0]}{void}, every other value {names[1]}"
