"""EXIF's orientation: photographs are turned, unless their masks show that they must not be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.test_mask_meaning import opened
from tests.trainables.data.test_text import root_of
from trainables.data import DataError


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_by_their_orientation(tmp_path: Path, orientation: int) -> None:
    """Each of the eight values, against a turned picture made by Pillow's operations."""
    turn = Image.Transpose
    operations = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,  # stored so that a viewer turns it by 270 degrees, clockwise by 90
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }
    root = root_of(tmp_path)
    upright = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(operations[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, Any] = {"lossless": True, "quality": 100, "subsampling": 0}
    for suffix in (".png", ".tif", ".webp", ".jpg"):
        for old in (root / "images").glob("0.*"):
            old.unlink()
        stored.save(root / "images" / f"0{suffix}", exif=exif, **lossless)
        dataset = opened(root)
        got = dataset.splits["train"].images_NHWC[0].astype(int)
        assert np.abs(got - upright).max() <= (12 if suffix == ".jpg" else 0), suffix
        said = [line for line in dataset.sanity.notes if "EXIF orientation: 1" in line]
        assert len(said) == (orientation > 1)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_that_fits_the_stored_image_alone_keeps_it_as_stored(
    tmp_path: Path, orientation: int
) -> None:
    root = root_of(tmp_path)
    plain = opened(root).splits["train"].images_NHWC[0]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = root / "images" / "0.png"
    Image.open(path).save(path, exif=exif)
    found = opened(root)
    assert (found.splits["train"].images_NHWC[0] == plain).all()
    assert "train: 1 image left as stored in spite of an EXIF orientation" in str(found.sanity)


def test_a_mask_that_fits_no_orientation_is_refused(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = root / "images" / "0.png"
    Image.open(path).resize((7, 6)).save(path, exif=exif)
    with pytest.raises(DataError, match=r"masks/0\.png: size \(6, 8\) .* is turned by its EXIF"):
        opened(root)


@pytest.mark.parametrize(("orientation", "square", "doubted"), [(3, False, 1), (6, True, 1)])
def test_a_turned_image_whose_mask_fits_both_ways_is_doubted(
    tmp_path: Path, orientation: int, square: bool, doubted: int
) -> None:
    root = root_of(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path, mask = root / "images" / "0.png", root / "masks" / "0.png"
    size = (8, 8) if square else (8, 6)
    Image.open(path).resize(size).save(path, exif=exif)
    Image.open(mask).resize(size, Image.Resampling.NEAREST).save(mask)
    lines = [line for line in opened(root).sanity.warnings if "fits both ways" in line]
    assert len(lines) == doubted
