"""Statistics of a list's files.

Shape letters: H rows, W columns.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.data.photos import Alpha
from trainables.data.samples import Decoded
from trainables.data.target_facts import TargetFacts
from trainables.geometry.boundaries import VOID, radius_boundary


@dataclass
class Facts:
    """Statistics of a split's files."""

    images: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    labels_256: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    boundary: int = 0
    """Boundary pixels; of the first image that has some, unless all are counted."""
    contents: set[bytes] = field(default_factory=set)
    """A hash of each image's pixels."""
    second_absent: int = 0
    """Images with void and class 0 alone."""

    turned: int = 0
    """Images turned by their EXIF orientation."""
    either_way: int = 0
    """Turned images whose masks would fit them as they are stored, too."""
    as_stored: int = 0
    """Images with an EXIF orientation whose masks show that they must not be turned."""
    alpha: Counter[Alpha] = field(default_factory=Counter)
    """Images by their transparency, and what became of it."""
    targets: dict[TaskName, TargetFacts] = field(default_factory=dict)
    """By task, of the maps beside the labels."""

    def add(self, decoded: Decoded, labels_HW: NDArray[np.uint8], count_all: bool = False) -> None:
        """Count an image with these labels, which may be resized."""
        self.images += 1
        self.turned += decoded.turned
        self.either_way += decoded.fits_both
        self.as_stored += decoded.orientation > 1 and not decoded.turned
        self.alpha[decoded.alpha] += 1
        self.sizes[decoded.labels_HW.shape[0], decoded.labels_HW.shape[1]] += 1
        counts_256 = np.bincount(labels_HW.ravel(), minlength=256)
        self.labels_256 += counts_256
        self.second_absent += set(np.flatnonzero(counts_256)) == {0, VOID}
        if count_all or not self.boundary:
            self.boundary += int(boundary(labels_HW).sum())
        for task, map_ in decoded.targets.items():
            self.targets.setdefault(task, TargetFacts()).add(task, map_)
        shape = repr(decoded.image_HWC.shape).encode()
        self.contents.add(hashlib.sha256(shape + decoded.image_HWC.tobytes()).digest())

    def add_at(self, place: int, decoded: Decoded, labels_HW: NDArray[np.uint8]) -> None:
        """``add`` for the image at a place of the list, which does not matter here."""
        self.add(decoded, labels_HW)

    def merge(self, other: "Facts") -> None:
        """Count the images of another one, too."""
        self.images += other.images
        self.turned += other.turned
        self.sizes += other.sizes
        self.labels_256 = self.labels_256 + other.labels_256
        self.second_absent += other.second_absent
        self.boundary += other.boundary
        self.contents |= other.contents
        for task, one in other.targets.items():
            self.targets.setdefault(task, TargetFacts()).merge(one)

    @property
    def void_share(self) -> float:
        return float(self.labels_256[VOID] / max(self.labels_256.sum(), 1))

    def share(self, label: int) -> float:
        """Share of a class among the pixels that are not void."""
        return float(self.labels_256[label] / max(self.labels_256[:VOID].sum(), 1))


def boundary(labels_HW: NDArray[np.uint8]) -> Tensor:
    """Bool (H,W): pixels beside a pixel of another class, neither of them void."""
    labels_1HW = torch.tensor(labels_HW).unsqueeze(0)
    return radius_boundary(labels_1HW, VOID, radius=1)[0]
