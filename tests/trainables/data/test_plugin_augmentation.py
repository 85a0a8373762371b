"""A plug-in's augmentations: their random numbers, and what they may not return."""

from collections.abc import Callable
from pathlib import Path

import albumentations
import cv2
import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from trainables import plugin
from trainables.data.albumentations import from_albumentations
from trainables.data.plugin_augmentation import (
    AUGMENTATIONS,
    Augmentation,
    checked,
    try_augmentation,
)
from trainables.geometry.boundaries import VOID

Map = NDArray[np.uint8]


def tried(function: Callable[..., tuple[object, object]]) -> None:
    try_augmentation(Augmentation("mine", function, ()), {})


def noise(image: Map, labels: Map, rng: Generator) -> tuple[Map, Map]:
    return image ^ rng.integers(0, 4, image.shape, dtype=np.uint8), labels


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda i, m, r: i, r"must return \(image, labels\), got ndarray"),
        (lambda i, m, r: (i / 255, m), r"image must stay uint8 \(32, 48, 3\), got float64"),
        (lambda i, m, r: (i[1:], m[1:]), r"image must stay uint8 .*, got uint8 \(31, 48, 3\)"),
        (lambda i, m, r: (i, m.astype(int)), r"labels must stay uint8 .*, got int64"),
        (lambda i, m, r: (i, None), "labels must stay uint8 .*, got NoneType"),
        (lambda i, m, r: (i, m + 7), r"labels must hold the values that were there, or 255"),
        (
            lambda i, m, r: (np.random.default_rng().permutation(i), m),
            "must draw from rng alone: two calls with the same rng gave two results",
        ),
    ],
)
def test_a_mistake_is_one_line(function: Callable[..., tuple[object, object]], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        tried(function)
    assert "\n" not in str(caught.value)


def test_what_it_writes_to_are_copies() -> None:
    def paint(image: Map, labels: Map, rng: Generator) -> tuple[Map, Map]:
        image[:], labels[:] = 0, VOID
        return image, labels

    image, labels = np.ones((4, 4, 3), dtype=np.uint8), np.ones((4, 4), dtype=np.uint8)
    augmentation = Augmentation("paint", paint, ())
    dark, void = checked(augmentation, image, labels, np.random.default_rng(0), {})
    assert not dark.any()
    assert (void == VOID).all()
    assert image.all()
    assert (labels == 1).all()


def test_albumentations_is_seeded_by_the_rng_alone() -> None:
    transform = albumentations.Compose(
        [
            albumentations.Rotate(limit=(-40, 40), fill_mask=VOID, p=1),
            albumentations.RandomBrightnessContrast(p=1),
        ]
    )
    function = from_albumentations(transform)
    tried(function)
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    labels = (image[..., 0] % 3).astype(np.uint8)
    found = [function(image, labels, np.random.default_rng(seed)) for seed in (1, 2, 1)]
    assert all(map(np.array_equal, found[0], found[2]))
    assert not np.array_equal(found[0][0], found[1][0])
    assert (found[0][1] == VOID).any()


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (albumentations.Rotate(), "fill_mask of Rotate must be 255, the void label, got 0"),
        (
            albumentations.OneOf([albumentations.Affine(rotate=9)]),
            "fill_mask of Affine must be 255, the void label, got 0",
        ),
        (
            albumentations.Rotate(fill_mask=255, mask_interpolation=cv2.INTER_LINEAR),
            "mask_interpolation of Rotate must be 0, nearest, got 1",
        ),
    ],
)
def test_albumentations_that_would_make_labels_up_are_refused(inner: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_albumentations(albumentations.Compose([inner]))


def test_what_cannot_be_seeded_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be an albumentations.Compose of version 2"):
        from_albumentations(lambda **maps: maps)  # type: ignore[arg-type]


def test_the_example_of_the_documentation_installs() -> None:
    lines = (Path(__file__).resolve().parents[3] / "docs" / "plugins.md").read_text().splitlines()
    (first,) = (place for place, line in enumerate(lines) if "import albumentations as A" in line)
    text = "".join(f"{line.strip()}\n" for line in lines[first : first + 3])
    try:
        plugin.install(plugin.Plugin("mine.py", text))
        assert list(AUGMENTATIONS) == ["weather"]
    finally:
        plugin.uninstall()
