"""`data/normalize`: which numbers normalise the images, and of which images they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables.data.kinds import config, folder, npy, opened, values
from trainables.config import DataConfig
from trainables.config.pixels import RGB
from trainables.data import DataError
from trainables.data.augment import augmented_maps
from trainables.data.batches import ready, to_tensors
from trainables.data.draw import Draw
from trainables.data.pixel_statistics import BandStatistics
from trainables.data.preview import shown


@pytest.mark.parametrize(
    ("dtype", "bands", "full"), [("uint8", 4, 255), ("uint16", 1, 65535), ("float32", 5, 1)]
)
def test_mean_and_std_are_of_all_training_pixels_and_of_no_other(
    tmp_path: Path, dtype: str, bands: int, full: float
) -> None:
    """Against NumPy's of all of them at once; the eight images before the last two train."""
    root = folder(tmp_path, dtype, bands)
    for unseen in (8, 9):
        npy(root / "images" / str(unseen), np.zeros((6, 8, bands), dtype))
    pixels = opened(root).pixels
    training = np.stack([values(dtype, bands, seed) for seed in range(8)]).astype(np.float64)
    np.testing.assert_allclose(pixels.mean, training.mean(axis=(0, 1, 2)) / full, rtol=1e-12)
    np.testing.assert_allclose(pixels.std, training.std(axis=(0, 1, 2)) / full, rtol=1e-12)
    np.testing.assert_allclose(pixels.span, np.ptp(training, axis=(0, 1, 2)) / full, rtol=1e-12)
    assert (pixels.bands, pixels.full) == (bands, full)


def test_a_std_far_below_the_mean_keeps_its_digits() -> None:
    """Where a sum of squares would lose them: 10^6 +- 1."""
    found = BandStatistics()
    for sign in (-1, 1):
        found.add(np.full((2, 2, 1), 1e6 + sign, dtype=np.float32))
    assert found.std_C.tolist() == [1.0]
    assert found.mean_C.tolist() == [1e6]


def test_photographs_are_left_to_the_backbone(tmp_path: Path) -> None:
    root = folder(tmp_path, "uint8", 3)
    dataset = opened(root)
    assert dataset.pixels == RGB
    assert not any("band" in line for line in dataset.sanity.lines)
    normalised = opened(root, normalize="train")
    assert normalised.digest == dataset.digest
    assert len(normalised.pixels.mean) == 3


def test_a_backbones_own_normalisation_needs_three_bands_in_0_to_1(tmp_path: Path) -> None:
    dataset = opened(folder(tmp_path / "deep", "uint16", 3), normalize="backbone")
    assert (dataset.pixels.bits, dataset.pixels.mean) == (16, ())
    for dtype, bands in (("uint16", 4), ("float32", 3)):
        with pytest.raises(ValueError, match="data/normalize must be auto, train or MEANS/STDS"):
            opened(folder(tmp_path / dtype, dtype, bands), normalize="backbone")


def test_given_values_are_in_the_files_own_unit(tmp_path: Path) -> None:
    root = folder(tmp_path, "uint16", 2)
    pixels = opened(root, normalize="6553.5,0/13107,65535").pixels
    np.testing.assert_allclose(pixels.mean, [0.1, 0])
    np.testing.assert_allclose(pixels.std, [0.2, 1])
    with pytest.raises(ValueError, match="a mean and a std of each of 2 bands, 16-bit, got '1/1'"):
        opened(root, normalize="1/1")


@pytest.mark.parametrize("text", ["", "mean", "1", "1/", "1,2/3", "1/0", "nan/1", "1/inf", "1/-1"])
def test_a_normalisation_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^data/normalize must be auto, backbone, train, or a"):
        DataConfig(normalize=text)


def test_a_band_with_one_value_is_warned_of_and_does_not_divide_by_zero(tmp_path: Path) -> None:
    def write(path: Path, image: object) -> None:
        flat = np.asarray(image).copy()
        flat[..., 1] = 700
        npy(path, flat)

    dataset = opened(folder(tmp_path, "uint16", 3, write))
    assert any("band 2 has one value everywhere (700)" in x for x in dataset.sanity.warnings)
    assert dataset.pixels.std[1] == 1
    assert "normalised by mean and std of the training images" in str(dataset.sanity.notes)


@pytest.mark.parametrize(("dtype", "full"), [("uint16", 65535), ("float32", 1)])
def test_tensors_are_in_the_unit_of_their_type(tmp_path: Path, dtype: str, full: float) -> None:
    split = opened(folder(tmp_path, dtype, 2)).splits["train"]
    images_BCHW = to_tensors(split, [0, 3]).images_BCHW
    assert images_BCHW.dtype == torch.float32
    expected = values(dtype, 2, 3).astype(np.float64) / full
    np.testing.assert_allclose(images_BCHW[1].permute(1, 2, 0).numpy(), expected, rtol=1e-6)


def test_brightness_is_in_shares_of_each_bands_range_and_padding_is_the_mean(
    tmp_path: Path,
) -> None:
    dataset = opened(folder(tmp_path, "float32", 2))
    data = config(tmp_path, brightness=51.0, crop_height=9, crop_width=8, flip=False)
    draw = Draw(flip=0.9, scale=0.5, top=0.0, left=0.0, brightness=1.0)  # its upper end
    train = dataset.splits["train"]
    rows = train.images_NHWC[:1], train.labels_NHW[:1]
    images_BCHW, labels_BHW, _ = ready(augmented_maps(*rows, data, [draw], dataset.pixels))
    shift_C = 0.2 * np.array(dataset.pixels.span)
    seen = images_BCHW[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(seen[:6], values("float32", 2) + shift_C, rtol=1e-5)
    np.testing.assert_allclose(seen[6:] - shift_C, [[dataset.pixels.mean] * 8] * 3, rtol=1e-5)
    assert (labels_BHW[0, 6:] == 255).all()


@pytest.mark.parametrize(("dtype", "bands"), [("uint16", 1), ("float32", 2), ("uint16", 5)])
def test_pictures_show_the_first_three_bands_or_the_first_one_as_grey(
    dtype: str, bands: int
) -> None:
    image = values(dtype, bands)
    picture = shown(image)
    assert picture.dtype == np.uint8
    assert picture.shape == (*image.shape[:2], 3)
    assert (picture.min(), picture.max()) == (0, 255)
    for colour in range(3):
        band = image[..., colour if bands >= 3 else 0]
        order = np.argsort(band, axis=None)
        assert (np.diff(picture[..., colour].ravel()[order].astype(int)) >= 0).all()


def test_photographs_are_shown_as_they_are() -> None:
    image = values("uint8", 3)
    np.testing.assert_array_equal(shown(image), image)


def test_a_study_of_two_kinds_names_the_file_before_its_statistics(tmp_path: Path) -> None:
    root = folder(tmp_path, "uint8", 3)
    npy(root / "images" / "5", values("float32", 3))
    with pytest.raises(DataError, match=r"5\.npy: is of 3 bands, float, but .*0\.npy"):
        opened(root)
