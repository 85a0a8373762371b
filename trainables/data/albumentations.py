"""A transform of albumentations as an augmentation of a plug-in (``AUGMENTATIONS``)."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from trainables.geometry.boundaries import VOID

Pair = tuple[NDArray[np.generic], NDArray[np.uint8]]


class Composed(Protocol):
    """What this needs of ``albumentations.Compose``."""

    def set_random_seed(self, seed: int) -> None: ...

    def __call__(self, **maps: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]: ...


def from_albumentations(
    transform: Composed,
) -> Callable[[NDArray[np.generic], NDArray[np.uint8], Generator], Pair]:
    """An entry of ``AUGMENTATIONS``: the image and its mask, seeded by (seed, epoch, index) alone.

    Args:
        transform: an ``albumentations.Compose`` (2.0 or later).

    Raises:
        ValueError: it cannot be seeded; or one of its transforms mixes labels or fills them with a
            class: ``fill_mask`` must be 255, the void label, and ``mask_interpolation`` nearest.
    """
    if not hasattr(transform, "set_random_seed"):
        raise ValueError(
            f"must be an albumentations.Compose of version 2 or later, got {transform!r}"
        )
    for each in _all_in(transform):
        _require_labels_kept(each)

    def augmentation(
        image_HWC: NDArray[np.generic], labels_HW: NDArray[np.uint8], rng: Generator
    ) -> Pair:
        transform.set_random_seed(int(rng.integers(2**32)))
        found = transform(image=image_HWC, mask=labels_HW)
        return found["image"], found["mask"].astype(np.uint8, copy=False)

    return augmentation


def _all_in(transform: object) -> Iterator[object]:
    """A transform and all that it is composed of."""
    yield transform
    for inner in getattr(transform, "transforms", ()):
        yield from _all_in(inner)


def _require_labels_kept(transform: object) -> None:
    name = type(transform).__name__
    fill = getattr(transform, "fill_mask", VOID)
    if fill != VOID:
        raise ValueError(f"fill_mask of {name} must be {VOID}, the void label, got {fill!r}")
    how = getattr(transform, "mask_interpolation", None)
    if how not in (None, 0):  # cv2.INTER_NEAREST; a Compose has None where each keeps its own
        raise ValueError(f"mask_interpolation of {name} must be 0, nearest, got {how!r}")
