"""Masks that number objects are two classes where `classes.txt` says `nonzero`, and only there."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.trainables.data.test_mask_meaning import COLUMNS, HALVES, ROWS, grey, make, opened
from trainables.config import DataConfig
from trainables.data import DataError, open_layout
from trainables.data.identity import Identity

NUCLEI = "background\nnucleus nonzero\n"
TWO_OBJECTS = np.where(HALVES, 300, 0)
TWO_OBJECTS[:2, 5:] = 65535


def with_masks(root: Path, classes: str, mask: Image.Image) -> Path:
    """A dataset whose masks are TIFFs: a PNG has at most 16 bits."""
    make(root, classes, grey(0, 1))
    for path in (root / "masks").iterdir():
        path.unlink()
        mask.save(path.with_suffix(".tif"))
    return root


def deep(values: NDArray[np.generic], kind: type[np.generic] = np.uint16) -> Image.Image:
    return Image.fromarray(values.astype(kind))


@pytest.mark.parametrize(
    "mask",
    [deep(TWO_OBJECTS), deep(TWO_OBJECTS, np.int32), grey(0, 255), grey(0, 7), grey(0, 1)],
    ids=["16 bits", "32 bits", "255", "7", "1"],
)
def test_every_value_but_0_is_the_object(tmp_path: Path, mask: Image.Image) -> None:
    dataset = opened(with_masks(tmp_path, NUCLEI, mask))
    assert dataset.classes == ("background", "nucleus")
    assert np.array_equal(dataset.splits["train"].labels_NHW[0], HALVES)
    notes = [line for line in dataset.sanity.lines if "0 background, every other value" in line]
    assert len(notes) == 1


def test_a_void_line_leaves_its_value_out(tmp_path: Path) -> None:
    values = TWO_OBJECTS.copy()
    values[0, 0] = 255
    dataset = opened(make(tmp_path, f"{NUCLEI}void 255\n", deep(values)))
    expected = HALVES.copy()
    expected[0, 0] = 255
    assert np.array_equal(dataset.splits["train"].labels_NHW[0], expected)


def test_the_reading_is_part_of_the_digest(tmp_path: Path) -> None:
    """Masks of 0 and 1 have the same labels either way; what decides them differs."""
    digests = set()
    for name, classes in (("numbers", "background\nnucleus\n"), ("objects", NUCLEI)):
        config = DataConfig(dataset="folder", root=str(make(tmp_path / name, classes, grey(0, 1))))
        identity = Identity(open_layout(config), config)
        digests.add(identity.digest)
    assert len(digests) == 2


def test_without_the_word_16_bits_are_refused_with_it_as_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"8 bits a channel, got 16; .*`NAME nonzero`"):
        opened(make(tmp_path, "background\nnucleus\n", deep(TWO_OBJECTS)))


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("background nonzero\nnucleus\n", "must follow the second of two names"),
        ("background\nnucleus nonzero\ncell\n", "must follow the second of two names"),
        ("cell\ncell nonzero\n", "must follow the second of two names"),
        ("background 9 9 9\nnucleus nonzero\n", "a colour or `void 0`"),
        ("background\nnucleus nonzero\nvoid 0\n", "a colour or `void 0`"),
    ],
)
def test_a_contradiction_is_refused(tmp_path: Path, classes: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        opened(make(tmp_path, classes, deep(TWO_OBJECTS)))


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (
            Image.new("RGB", (COLUMNS, ROWS), (0, 9, 0)),
            "one channel of whole numbers, got mode RGB",
        ),
        (deep(-HALVES.astype(np.int32), np.int32), "must number them from 1, got -1"),
        (deep(HALVES, np.float32), "one channel of whole numbers, got mode F"),
    ],
    ids=["colours", "negative", "float"],
)
def test_other_masks_are_refused(tmp_path: Path, mask: Image.Image, words: str) -> None:
    with pytest.raises(DataError, match=words):
        opened(with_masks(tmp_path, NUCLEI, mask))


def test_a_table_of_tabs_pairs_files_of_other_names(tmp_path: Path) -> None:
    root = make(tmp_path, NUCLEI, deep(TWO_OBJECTS))
    (root / "masks").rename(root / "objects")
    rows = [f"images/{i}.png\tobjects/{i}.png\t{'train' if i < 8 else 'val'}" for i in range(10)]
    (root / "samples.tsv").write_text("\n".join(["image\tmask\tsplit", *rows]))
    assert [len(split) for split in opened(root).splits.values()] == [8, 2, 2]
    (root / "samples.csv").write_text("image,mask,split\n")
    with pytest.raises(DataError, match=r"samples\.tsv: beside samples\.csv, one of them must go"):
        opened(root)
