"""Deep, float and many-band images: every value as the file has it, or a line that says why not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from tests.trainables.data.kinds import COLUMNS, ROWS, config, folder, npy, opened, values
from trainables.data import DataError
from trainables.data.photos import read_image, resize

KINDS = [(dtype, bands) for dtype in ("uint8", "uint16", "float32") for bands in (2, 3, 7)]


def _tiff(planar: str, path: Path, image: NDArray[np.generic]) -> Path:
    """With samples apart or together, as GDAL writes both."""
    path = path.with_suffix(".tif")
    apart = np.moveaxis(image, 2, 0) if planar == "separate" else image
    if image.shape[2] == 1:
        tifffile.imwrite(path, image[..., 0], metadata=None)
    else:
        tifffile.imwrite(path, apart, photometric="minisblack", planarconfig=planar, metadata=None)
    return path


@pytest.mark.parametrize(("dtype", "bands"), [*KINDS, ("uint16", 1), ("float32", 20)])
@pytest.mark.parametrize("form", ["contig", "separate", "npy", "npy, bands first"])
def test_every_value_is_read_as_the_file_has_it(
    tmp_path: Path, dtype: str, bands: int, form: str
) -> None:
    image = values(dtype, bands)
    path = tmp_path / "0.npy"
    if form.startswith("npy"):
        np.save(path, np.moveaxis(image, 2, 0) if "first" in form else image)
    else:
        path = _tiff(form, path, image)
    found = read_image(path, (ROWS, COLUMNS)).image_HWC
    assert found.dtype == image.dtype
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_a_png_of_16_bits_keeps_them_and_the_order_of_its_colours(
    tmp_path: Path, bands: int
) -> None:
    image = values("uint16", bands)
    as_opencv = image[..., [2, 1, 0, 3][:bands]] if bands > 1 else image
    assert cv2.imwrite(str(tmp_path / "0.png"), as_opencv)
    np.testing.assert_array_equal(read_image(tmp_path / "0.png").image_HWC, image)


def test_grey_bytes_are_rgb_in_every_format(tmp_path: Path) -> None:
    """As in a PNG, so that old studies' images stay what they were."""
    image = values("uint8", 1)
    np.save(tmp_path / "0.npy", image)
    np.save(tmp_path / "1.npy", image[..., 0])
    tifffile.imwrite(tmp_path / "2.tif", image[..., 0])
    for name in ("0.npy", "1.npy", "2.tif"):
        found = read_image(tmp_path / name, (ROWS, COLUMNS)).image_HWC
        np.testing.assert_array_equal(found, np.repeat(image, 3, axis=2))


@pytest.mark.parametrize("dtype", ["int16", "int32", "float64", "float16", "uint32", ">u2", ">f4"])
def test_other_types_of_numbers_become_float_or_their_own(tmp_path: Path, dtype: str) -> None:
    image = values("uint8", 4).astype(dtype) - (100 if dtype.startswith(("i", "f")) else 0)
    np.save(tmp_path / "0.npy", image.astype(dtype))
    found = read_image(tmp_path / "0.npy", (ROWS, COLUMNS)).image_HWC
    assert found.dtype == (np.uint16 if dtype == ">u2" else np.float32)
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("compression", ["lzw", "zstd", "deflate"])
def test_compressed_bands_are_read_as_they_were(tmp_path: Path, compression: str) -> None:
    """LZW with differences between neighbours is what GDAL's users write."""
    image, path = values("uint16", 5), tmp_path / "0.tif"
    kind = {"photometric": "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(path, image, compression=compression, predictor=True, **kind)
    np.testing.assert_array_equal(read_image(path, (ROWS, COLUMNS)).image_HWC, image)


def _nan(path: Path) -> None:
    image = values("float32", 3).astype(np.float32)
    image[0, :2, 1] = np.nan
    npy(path, image)


def _ambiguous(path: Path) -> None:
    npy(path, np.zeros((9, 9, 9), np.uint16))


def _cube(path: Path) -> None:
    npy(path, np.zeros((6, 8, 6, 8), np.uint16))


def _many(path: Path) -> None:
    _tiff("contig", path, values("uint16", 21))


def _objects(path: Path) -> None:
    np.save(path, np.array([[{}]]), allow_pickle=True)


def _large(path: Path) -> None:
    npy(path, np.full((ROWS, COLUMNS, 2), 2**24 + 1, np.int32))


def _complex(path: Path) -> None:
    npy(path, np.zeros((ROWS, COLUMNS, 2), np.complex64))


def _pages(path: Path) -> None:
    pages = np.zeros((4, ROWS, COLUMNS), np.uint16)
    tifffile.imwrite(path.with_suffix(".tif"), pages, photometric="minisblack", metadata=None)


def _slices(path: Path) -> None:
    stack = np.zeros((4, ROWS, COLUMNS), np.uint16)
    tifffile.imwrite(path.with_suffix(".tif"), stack, imagej=True, metadata={"axes": "ZYX"})


def _nodata(path: Path) -> None:
    image = values("uint16", 4)
    image[:2, :3, 1] = 7
    image[image[..., 0] == 7, 0] = 8
    tag = (42113, "s", 2, "7", True)
    path = path.with_suffix(".tif")
    tifffile.imwrite(path, image, photometric="minisblack", planarconfig="contig", extratags=[tag])


def _torn(path: Path) -> None:
    content = _tiff("contig", path, values("uint16", 7)).read_bytes()
    path.with_suffix(".tif").write_bytes(content[: len(content) * 2 // 3])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_nan, "3.npy: 2 of 48 pixels are not finite"),
        (_ambiguous, r"3.npy: must be .* shape \(9, 9, 9\) fits neither"),
        (_cube, r"3.npy: must be \(rows, columns, bands\), got shape"),
        (_many, "3.tif: must have pixels and 1..20 bands"),
        (_objects, "3.npy: cannot be decoded"),
        (_large, "3.npy: int32 values must be .* got 16777217"),
        (_complex, "3.npy: values must be whole numbers or floats, got complex64"),
        (_pages, "3.tif: holds 4 pages, and nothing in it says whether they are bands or slices"),
        (_slices, "3.tif: its 4 pages are slices"),
        (_nodata, "3.tif: . of 48 pixels are its nodata value 7"),
        (_torn, "3.tif: cannot be decoded"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    root = folder(tmp_path, "float32", 3)
    (root / "images" / "3.npy").unlink()
    spoil(root / "images" / "3")
    with pytest.raises(DataError, match=words) as raised:
        opened(root)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("dtype", "bands"), [("uint16", 3), ("float32", 4), ("uint8", 4)])
def test_images_of_two_kinds_are_refused_with_both_names(
    tmp_path: Path, dtype: str, bands: int
) -> None:
    root = folder(tmp_path, "float32", 3)
    npy(root / "images" / "3", values(dtype, bands))
    with pytest.raises(DataError, match=r"3\.npy: is of .* but .*0\.npy is of 3 bands, float"):
        opened(root)


@pytest.mark.parametrize(("dtype", "bands"), [("uint16", 7), ("float32", 2), ("uint8", 4)])
def test_streamed_images_are_those_in_memory(tmp_path: Path, dtype: str, bands: int) -> None:
    root = folder(tmp_path, dtype, bands)
    cached, streamed = (opened(root, cache=cache, height=3, width=5) for cache in ("on", "off"))
    assert cached.digest == streamed.digest
    assert cached.pixels == streamed.pixels
    for split in ("train", "val"):
        rows = range(len(cached.splits[split]))
        for one, other in zip(
            cached.splits[split].stacked(rows), streamed.splits[split].stacked(rows), strict=True
        ):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_resizing_takes_the_mean_and_leaves_whole_numbers_whole() -> None:
    """Halving a checkerboard of 0 and 60000: away from the edge, all weights meet their mirror."""
    board = np.indices((16, 16)).sum(axis=0)[..., None].repeat(2, axis=2) % 2 * 60000
    small = resize(board.astype(np.uint16), (8, 8))
    assert small.dtype == np.uint16
    assert (small[2:6, 2:6] == 30000).all()
    exact = resize(board.astype(np.float32), (8, 8))
    np.testing.assert_allclose(exact[2:6, 2:6], 30000, rtol=1e-6)


def test_the_digest_knows_the_type_of_equal_values(tmp_path: Path) -> None:
    digests = set()
    for dtype in ("uint8", "uint16", "float32"):
        root = folder(tmp_path / dtype, "uint8", 4, lambda p, x, t=dtype: npy(p, x.astype(t)))  # type: ignore[misc]
        digests.add(opened(root).digest)
    assert len(digests) == 3


def test_a_published_dataset_takes_photographs_alone(tmp_path: Path) -> None:
    root = folder(tmp_path, "uint16", 3)
    path = root / "images" / "3.npy"
    with pytest.raises(DataError, match=r"3\.npy: cannot be decoded: it is no image"):
        read_image(path, photograph=True)
    assert config(root).dataset == "folder"
