"""Augmentations that a plug-in adds; Edgewise's own are in ``augment.py``.

Shape letters: H rows, W columns, C colours.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from trainables.config import DataConfig, Value
from trainables.data.warp import Draws
from trainables.geometry.boundaries import VOID

Image = NDArray[np.generic]
Labels = NDArray[np.uint8]
Function = Callable[..., tuple[object, object]]
"""``(image_HWC, labels_HW, rng, *, ...)`` to an image and labels of the same shapes and types."""


@dataclass(frozen=True)
class Augmentation:
    """A plug-in's function and the names of its keyword parameters."""

    name: str
    function: Function
    keys: tuple[str, ...]
    located: Callable[[], AbstractContextManager[None]] = nullcontext
    """Reports errors with the line in the user's file."""

    def of(self, config: DataConfig) -> dict[str, Value]:
        """Its parameters in a config."""
        return {key: config.plugin_field(f"{self.name}_{key}") for key in self.keys}


AUGMENTATIONS: dict[str, Augmentation] = {}
"""Those of the installed plug-in, by name, in the order in which they are applied."""


def active(config: DataConfig) -> list[Augmentation]:
    """Those whose probability is not 0."""
    return [each for name, each in AUGMENTATIONS.items() if config.plugin_field(name)]


def apply(
    image_HWC: Image, labels_HW: Labels, config: DataConfig, draws: Draws
) -> tuple[Image, Labels]:
    """Apply each with its probability; each has random numbers of its own."""
    for each in active(config):
        random = draws.generator(each.name)
        if random.random() < float(config.plugin_field(each.name)):
            with each.located():
                image_HWC, labels_HW = checked(each, image_HWC, labels_HW, random, each.of(config))
    return image_HWC, labels_HW


def checked(
    augmentation: Augmentation,
    image_HWC: Image,
    labels_HW: Labels,
    random: Generator,
    parameters: dict[str, Value],
) -> tuple[Image, Labels]:
    """Call an augmentation on copies, which it may write to.

    Raises:
        ValueError: it returns something other than an image and labels of the shapes and types
            given, or a label that was not there.
    """
    result = augmentation.function(image_HWC.copy(), labels_HW.copy(), random, **parameters)
    if not isinstance(result, tuple) or len(result) != 2:
        raise ValueError(f"must return (image, labels), got {type(result).__name__}")
    image, labels = result
    for name, new, old in (("image", image, image_HWC), ("labels", labels, labels_HW)):
        wanted = f"{old.dtype} {old.shape}"
        got = f"{new.dtype} {new.shape}" if isinstance(new, np.ndarray) else type(new).__name__
        if got != wanted:
            raise ValueError(f"{name} must stay {wanted}, got {got}")
    assert isinstance(image, np.ndarray)
    assert isinstance(labels, np.ndarray)
    if np.issubdtype(image.dtype, np.floating) and not np.isfinite(image).all():
        raise ValueError("image must be finite")
    known = np.bincount(labels_HW.ravel(), minlength=VOID + 1) > 0
    known[VOID] = True
    found = np.bincount(labels.ravel(), minlength=VOID + 1) > 0
    if (new_labels := (found & ~known).nonzero()[0]).size:
        raise ValueError(
            f"labels must hold the values that were there, or {VOID} for void, got "
            f"{new_labels.tolist()}: resize and turn labels by nearest, and fill with {VOID}"
        )
    return np.ascontiguousarray(image), np.ascontiguousarray(labels)


def try_augmentation(augmentation: Augmentation, parameters: dict[str, Value]) -> None:
    """Call it on images of several sizes, one of them all void, each twice.

    Raises:
        ValueError: see ``checked``; or its result depends on more than its random numbers, so that
            two ranks, or a resumed training, would see other images.
    """
    source = np.random.default_rng(0)
    for rows, columns, void in ((32, 48, False), (33, 47, True), (64, 64, False)):
        image = source.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        labels = source.integers(0, 3, (rows, columns), dtype=np.uint8)
        labels[: rows if void else 4] = VOID
        for seed in range(3):
            once, again = (
                checked(augmentation, image, labels, np.random.default_rng(seed), parameters)
                for _ in range(2)
            )
            if not all(map(np.array_equal, once, again)):
                raise ValueError(
                    "must draw from rng alone: two calls with the same rng gave two results"
                )
