"""Masks as programs write them: two values, 1 bit, GIF, palettes, greys stored as colours."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.trainables.data.test_mask_meaning import HALVES, coloured, grey, make, palette
from trainables.config import DataConfig
from trainables.data import DataError, Dataset, load


def opened(root: Path, classes: str = "") -> Dataset:
    load.cache_clear()
    config = DataConfig(dataset="folder", root=str(root), holdout=0, class_names=classes)
    return load(config)


def saved_as(root: Path, suffix: str, *masks: Image.Image) -> Path:
    """A folder whose masks have another format."""
    make(root, "ground\ncell\n", grey(0, 1))
    for index, path in enumerate(sorted((root / "masks").iterdir())):
        path.unlink()
        masks[index % len(masks)].save(path.with_suffix(suffix))
    return root


def first_labels(dataset: Dataset) -> NDArray[np.uint8]:
    return dataset.splits["train"].labels_NHW[0]


@pytest.mark.parametrize(
    "classes",
    ["ground,cell", "ground=0,cell=255", "ground,cell=255", "ground=0/0/0,cell=255/255/255"],
)
@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "LA"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".gif"])
def test_black_and_white_in_every_format(
    tmp_path: Path, suffix: str, mode: str, classes: str
) -> None:
    root = saved_as(tmp_path, suffix, grey(0, 255).convert(mode))
    dataset = opened(root, classes)
    assert np.array_equal(first_labels(dataset), HALVES)
    assert not dataset.sanity.failures


@pytest.mark.parametrize("value", [2, 38, 128, 254])
def test_nought_and_any_other_value_are_two_classes_and_it_is_said(
    tmp_path: Path, value: int
) -> None:
    dataset = opened(make(tmp_path, "ground\ncell\n", grey(0, value)))
    assert np.array_equal(first_labels(dataset), HALVES)
    said = f"masks hold 0 and {value} and no 1, so they are read as 0 ground, {value} cell"
    assert said in dataset.sanity.notes


@pytest.mark.parametrize("values", [(0, 38, 39), (0, 38, 255), (1, 2), (0, 1, 2)])
def test_more_than_two_values_are_not_guessed(tmp_path: Path, values: tuple[int, ...]) -> None:
    masks = [grey(values[0], value) for value in values[1:]]
    with pytest.raises(DataError, match=r"labels must be 0\.\.1 or void \(255\), got"):
        opened(make(tmp_path, "ground\ncell\n", *masks))


@pytest.mark.parametrize(
    ("classes", "mask"),
    [
        ("ground\ncell 255\n", grey(0, 255)),
        ("ground\ncell 255 255 255\n", grey(0, 255)),
        ("ground 255\ncell 0\n", grey(255, 0)),
        ("ground 50\ncell 200\n", grey(50, 200)),
        ("ground\ncell 255\n", palette((0, 1), [0, 0, 0, 255, 255, 255])),
        ("ground 0\ncell 255\n", palette((1, 0), [255, 255, 255, 0, 0, 0])),
        ("ground\ncell 7\n", palette((0, 7), [0, 0, 0] + [9, 30, 70] * 7)),
    ],
)
def test_a_class_at_any_value(tmp_path: Path, classes: str, mask: Image.Image) -> None:
    dataset = opened(make(tmp_path, classes, mask))
    assert np.array_equal(first_labels(dataset), HALVES)
    assert any("classes.txt: " in note for note in dataset.sanity.notes)


def test_a_written_value_is_strict(tmp_path: Path) -> None:
    root = make(tmp_path, "ground\ncell\n", grey(0, 1))
    with pytest.raises(DataError, match=r"labels must be 0 ground, 255 cell, got 1; `NAME=1`"):
        opened(root, "ground,cell=255")


def test_a_gif_keeps_its_greys_though_its_writer_numbers_them(tmp_path: Path) -> None:
    """Pillow writes {0, 2} of a grey image as {0, 1} with a palette, and all-white as 0."""
    dataset = opened(
        saved_as(tmp_path / "three", ".gif", grey(0, 2), grey(1, 2), grey(2, 2)), "a,b,c"
    )
    train = dataset.splits["train"].labels_NHW
    assert [sorted(set(np.unique(labels).tolist())) for labels in train[:3]] == [
        [0, 2],
        [1, 2],
        [2],
    ]
    white = saved_as(tmp_path / "white", ".gif", grey(0, 255), grey(255, 255))
    assert (opened(white).splits["train"].labels_NHW[1] == 1).all()


def test_a_palette_that_shows_the_opposite_is_refused(tmp_path: Path) -> None:
    mask = palette((0, 1), [255, 255, 255, 0, 0, 0])
    with pytest.raises(DataError, match="shows 0 as grey 255 and 1 as grey 0, the brighter one"):
        opened(make(tmp_path, "ground\ncell\n", mask))


@pytest.mark.parametrize(
    ("indices", "greys"), [((0, 1), (0, 2)), ((0, 0), (2, 2)), ((0, 1), (1, 0))]
)
def test_a_palette_with_two_readings_is_refused(
    tmp_path: Path, indices: tuple[int, int], greys: tuple[int, int]
) -> None:
    mask = palette(indices, [grey for grey in greys for _ in range(3)])
    with pytest.raises(DataError, match=r"masks/0\.png: its palette shows the numbers 0.* in grey"):
        opened(make(tmp_path, "a\nb\nc\n", mask, grey(0, 1)))


def test_a_palette_of_greys_for_the_eye_is_read_by_number(tmp_path: Path) -> None:
    mask = palette((0, 1), [0, 0, 0, 127, 127, 127, 255, 255, 255])
    dataset = opened(make(tmp_path, "a\nb\nc\n", mask, grey(0, 2)))
    assert np.array_equal(first_labels(dataset), HALVES)


def test_black_of_colours_is_no_first_class(tmp_path: Path) -> None:
    """Unlabelled black beside a class in colours: it has no class, and is not guessed."""
    root = make(tmp_path, "road 128 64 128\nsky\n", coloured((0, 0, 0), (0, 0, 0)))
    with pytest.raises(DataError, match="8-bit with one channel, got mode RGB"):
        opened(root)


def test_a_transparent_mask_is_refused(tmp_path: Path) -> None:
    mask = grey(0, 255).convert("RGBA")
    mask.putalpha(grey(0, 255))
    with pytest.raises(DataError, match="must be opaque"):
        opened(saved_as(tmp_path, ".png", mask))


def test_each_share_is_said_and_classes_txt_is_not_read_beside_the_option(tmp_path: Path) -> None:
    names = [f"c{label}" for label in range(8)]
    masks = [grey(label, 0) for label in range(8)]
    sanity = opened(make(tmp_path, "a\nb\n", *masks), ",".join(names)).sanity
    assert all(f"{name} " in sanity.splits["train"] for name in names)
    assert "classes.txt is not read: --classes names the classes" in sanity.notes
