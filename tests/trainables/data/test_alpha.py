"""Transparency in images: left out of photographs and said, kept in images of other kinds."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.trainables.data.kinds import folder, opened, values


@pytest.mark.parametrize(("opaque", "mode"), [(True, "RGBA"), (False, "RGBA"), (False, "LA")])
def test_photographs_lose_their_alpha_with_a_line(tmp_path: Path, opaque: bool, mode: str) -> None:
    def write(path: Path, image: NDArray[np.generic]) -> None:
        pixels = image.astype(np.uint8)
        pixels[..., 3] = 255 if opaque else pixels[..., 3]
        Image.fromarray(pixels, "RGBA").convert(mode).save(path.with_suffix(".png"))

    dataset = opened(folder(tmp_path, "uint8", 4, write))
    assert dataset.splits["train"].images_NHWC.shape[-1] == 3
    if mode == "RGBA":
        expected = values("uint8", 4)[..., :3]
        np.testing.assert_array_equal(dataset.splits["train"].images_NHWC[0], expected)
    said = [line for line in dataset.sanity.lines if line.startswith(("note: tr", "warning: tr"))]
    (line,) = said
    start = "note: train: 8 images with an alpha" if opaque else "warning: train: 8 images with tr"
    assert line.startswith(start)


def test_an_alpha_of_16_bits_is_kept_as_a_band_and_said(tmp_path: Path) -> None:
    """GDAL marks an infrared band so: what it holds must not be lost."""

    def write(path: Path, image: NDArray[np.generic]) -> None:
        tifffile.imwrite(
            path.with_suffix(".tif"), image, photometric="rgb", extrasamples=["unassalpha"]
        )

    dataset = opened(folder(tmp_path, "uint16", 4, write))
    np.testing.assert_array_equal(dataset.splits["train"].images_NHWC[0], values("uint16", 4))
    assert "train: 8 images with an alpha channel, kept as a band" in dataset.sanity.notes
