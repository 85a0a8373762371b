"""Volumes of a folder: every slice an image, every volume in one split."""

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.trainables.data.kinds import opened
from trainables.data import DataError
from trainables.data.label_files import LabelFiles
from trainables.data.unlabelled import of_folder

SLICES, ROWS, COLUMNS, VOLUMES = 3, 6, 8, 10
Write = Callable[[Path, NDArray[np.generic]], Path]


def volume(seed: int, bands: int = 0) -> NDArray[np.int16]:
    """(D,H,W) or (D,H,W,C)."""
    shape = (SLICES, ROWS, COLUMNS, bands) if bands else (SLICES, ROWS, COLUMNS)
    return np.random.default_rng(seed).integers(-900, 900, shape).astype(np.int16)


def mask(seed: int, second: int = 1) -> NDArray[np.uint8]:
    """(D,H,W): half and half, but the first slice, which differs in every volume."""
    found = np.zeros((SLICES, ROWS, COLUMNS), np.uint8)
    found[:, :, 4:] = second
    found[0, 0, : seed % COLUMNS] = second
    return found


def nifti(path: Path, values: NDArray[np.generic]) -> Path:
    moved = values.transpose(2, 1, 0, *range(3, values.ndim))
    image = nibabel.Nifti1Image(moved, np.diag([0.5, 0.75, 3.0, 1.0]))
    nibabel.save(image, path.with_suffix(".nii.gz"))
    return path.with_suffix(".nii.gz")


def npy(path: Path, values: NDArray[np.generic]) -> Path:
    np.save(path.with_suffix(".npy"), values)
    return path.with_suffix(".npy")


def npz(path: Path, values: NDArray[np.generic]) -> Path:
    np.savez_compressed(path.with_suffix(".npz"), values)
    return path.with_suffix(".npz")


def pages(path: Path, values: NDArray[np.generic]) -> Path:
    tifffile.imwrite(path.with_suffix(".tif"), values, photometric="minisblack", metadata=None)
    return path.with_suffix(".tif")


def folder(root: Path, write: Write, bands: int = 0, second: int = 1) -> Path:
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for index in range(VOLUMES):
        write(root / "images" / f"sub{index}", volume(index, bands))
        write(root / "masks" / f"sub{index}", mask(index, second))
    (root / "classes.txt").write_text("tissue\ntumour\n")
    return root


@pytest.mark.parametrize(
    ("write", "bands"), [(nifti, 0), (nifti, 2), (npy, 0), (npy, 4), (npz, 0), (pages, 0)]
)
def test_every_slice_is_an_image_with_its_mask(tmp_path: Path, write: Write, bands: int) -> None:
    dataset = opened(folder(tmp_path, write, bands))
    train = dataset.splits["train"]
    assert len(train) == 8 * SLICES
    assert train.names[3:6] == ("sub1/000", "sub1/001", "sub1/002")
    for index in range(8):
        at = slice(index * SLICES, (index + 1) * SLICES)
        expected = volume(index, bands) if bands else volume(index)[..., None]
        np.testing.assert_array_equal(train.images_NHWC[at], expected)
        np.testing.assert_array_equal(train.labels_NHW[at], mask(index))
    of_each = [{name.split("/")[0] for name in x.names} for x in dataset.splits.values()]
    assert [len(names) for names in of_each] == [8, 1, 1]
    assert train.series == "volume"
    assert train.series_numbers == tuple(n for n in range(8) for _ in range(SLICES))
    if write is nifti:
        assert train.spacing_mm is not None
        assert train.spacing_mm[0].tolist() == [0.75, 0.5, 3.0]
    else:
        assert train.spacing_mm is None


def test_a_volumes_0_and_255_are_two_classes_and_said(tmp_path: Path) -> None:
    """As in single masks: read as void, 255 would leave one class, and 100 % of it right."""
    dataset = opened(folder(tmp_path, nifti, second=255))
    assert set(np.unique(dataset.splits["train"].labels_NHW)) == {0, 1}
    assert "masks hold 0 and 255 and no 1" in str(dataset.sanity.notes)


def test_whole_volumes_are_held_out(tmp_path: Path) -> None:
    root = folder(tmp_path, npy)
    names = [f"sub{index}.npy" for index in range(VOLUMES)]
    (root / "train.txt").write_text("\n".join(names[:8]))
    (root / "test.txt").write_text("\n".join(names[8:]))
    dataset = opened(root)
    volumes = {
        split: {name.split("/")[0] for name in images.names}
        for split, images in dataset.splits.items()
    }
    assert not volumes["train"] & volumes["val"]
    assert len(volumes["train"] | volumes["val"]) == 8
    assert "1 of 8 volumes" in dataset.lists["val"]


def test_a_list_names_volumes_with_or_without_their_suffix(tmp_path: Path) -> None:
    root = folder(tmp_path, nifti)
    (root / "train.txt").write_text("sub0\nsub1.nii.gz\n")
    (root / "val.txt").write_text("sub2\n")
    (root / "test.txt").write_text("images/sub3.nii.gz masks/sub3.nii.gz\n")
    found = opened(root).splits
    assert [images.names[0] for images in found.values()] == ["sub0/000", "sub2/000", "sub3/000"]
    assert len(found["train"]) == 2 * SLICES


def test_streamed_slices_are_those_in_memory(tmp_path: Path) -> None:
    root = folder(tmp_path, nifti)
    cached, streamed = (opened(root, cache=cache) for cache in ("on", "off"))
    assert cached.digest == streamed.digest
    for one, other in zip(
        cached.splits["val"].stacked(range(SLICES)),
        streamed.splits["val"].stacked(range(SLICES)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def _single_mask(root: Path) -> None:
    (root / "masks" / "sub3.npy").unlink()
    Image.fromarray(np.zeros((ROWS, COLUMNS), np.uint8)).save(root / "masks" / "sub3.png")


def _other_size(root: Path) -> None:
    npy(root / "masks" / "sub3", mask(3)[:2])


def _float_mask(root: Path) -> None:
    npy(root / "masks" / "sub3", mask(3) * 0.5)


def _nan(root: Path) -> None:
    values = volume(3).astype(np.float32)
    values[1, 2, 2:4] = np.nan
    npy(root / "images" / "sub3", values)


def _torn(root: Path) -> None:
    path = root / "images" / "sub3.npy"
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_single_mask, r"sub3\.png: is a single mask, but .*sub0\.npy is a volume"),
        (_other_size, r"sub3\.npy: size \(2, 6, 8\) differs from its image's \(3, 6, 8\)"),
        (_float_mask, r"masks/sub3\.npy: a mask must hold whole numbers, got 0\.5"),
        (_nan, r"images/sub3\.npy: 2 of 48 pixels are not finite"),
        (_torn, r"images/sub3\.npy: cannot be decoded"),
    ],
)
def test_a_volume_that_cannot_be_used_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    root = folder(tmp_path, npy)
    spoil(root)
    with pytest.raises(DataError, match=words) as raised:
        opened(root)
    assert "\n" not in str(raised.value)


def test_a_folder_of_volumes_is_predicted_slice_by_slice_and_written_in_its_place(
    tmp_path: Path,
) -> None:
    root = folder(tmp_path, nifti)
    pictures = of_folder(root / "images")
    assert [one.name for one in pictures[:4]] == ["sub0/000", "sub0/001", "sub0/002", "sub1/000"]
    np.testing.assert_array_equal(pictures[1].read()[..., 0], volume(0)[1])
    source = pictures[0].volume
    assert source is not None
    written = LabelFiles((0, 1), ((0, 0, 0), (9, 9, 9)), False, "")
    content = written.volume(list(mask(0)), source)
    found = nibabel.Nifti1Image.from_bytes(gzip.decompress(content))
    np.testing.assert_array_equal(np.asarray(found.dataobj), mask(0).transpose(2, 1, 0))
    np.testing.assert_allclose(found.header.get_zooms(), [0.5, 0.75, 3.0])
