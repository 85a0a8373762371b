"""WMH on real volumes: slices, spacing, split folders, T1."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.real_layouts import opened


def test_wmh_slices_every_subject_with_its_spacing(real_data: Path) -> None:
    import nibabel

    root = real_data / "wmh_vbnet"
    dataset = opened("wmh", root, height=256, width=256)
    assert {split: len(part) for split, part in dataset.splits.items()} == {
        "train": 48,
        "val": 16,
        "test": 16,
    }
    subject = root / "2516038876"
    volume = nibabel.load(subject / "wmh.nii.gz")
    expected = np.asarray(volume.dataobj)[:, :, 7].T
    val = dataset.splits["train"]
    assert val.spacing_mm is not None
    across_mm, down_mm, between_mm = volume.header.get_zooms()
    expected_mm = [2 * down_mm, 2 * across_mm, between_mm]
    assert val.spacing_mm[0] == pytest.approx(expected_mm, rel=1e-5)
    assert val.series_numbers == tuple([0] * 16 + [1] * 16 + [2] * 16)
    assert down_mm == pytest.approx(0.469, abs=1e-3)  # the README's figure
    shrunk = np.asarray(Image.fromarray(expected.astype(np.uint8)).resize((256, 256), 0))
    assert np.array_equal(val.labels_NHW[val.names.index("2516038876/007")], shrunk)
    lesions = sum((part.labels_NHW == 1).any(axis=(1, 2)).sum() for part in dataset.splits.values())
    assert 45 <= lesions <= 53  # the README counts 53 slices; nearest at half size may lose specks


def test_wmh_reads_split_folders_and_t1(real_data: Path) -> None:
    dataset = opened("wmh", real_data / "brats2015_wmhlayout", train_images=30)
    assert {split: len(part) for split, part in dataset.splits.items()} == {
        "train": 30,
        "val": 104,
        "test": 104,
    }
    image = dataset.splits["train"].images_NHWC[25]
    assert np.array_equal(image[..., 0], image[..., 2])
    assert not np.array_equal(image[..., 0], image[..., 1])
    assert dataset.splits["test"].spacing_mm[0].tolist() == [1, 1, 3]  # type: ignore[index]
