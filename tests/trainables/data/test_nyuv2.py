"""NYUv2 on real files: lists, classes, depth and normals, and the official MAT file."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from tests.trainables.data.real_layouts import listing, opened, raw
from trainables.config import DataConfig
from trainables.data import DataError, open_layout
from trainables.data.layouts import nyuv2
from trainables.geometry.boundaries import VOID


def test_nyu_splits_are_the_official_ones(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "nyuv2" / "full480x640"
    layout = open_layout(DataConfig(dataset="nyuv2", root=str(root), holdout=5))
    assert {split: len(part) for split, part in layout.splits.items()} == {
        "train": 636,
        "val": 159,
        "test": 654,
    }
    listed = (real_data / "nyuv2/meta/train.nyu").read_text().splitlines()
    numbers = {Path(line.split()[0]).stem for line in listed}
    held = {sample.name for split in ("train", "val") for sample in layout.splits[split]}
    assert numbers == held  # the list in an independent repository
    two = listing(tmp_path, "000433", "464.png")
    dataset = opened("nyuv2", root, train_list=two, test_list=two, holdout=0)
    assert np.array_equal(
        dataset.splits["train"].labels_NHW[0], raw(root / "label40_minus1/000433.png")
    )
    assert {sample.name for sample in layout.splits["test"]} >= {"000433", "000464"}


def test_nyu_s_40_classes_fold_into_the_13_of_another_repository(real_data: Path) -> None:
    """class13Mapping of the 40 classes, against the label13 of another repository."""
    root = real_data / "nyuv2"
    mapping = loadmat(root / "meta/class13Mapping.mat")["classMapping13"][0, 0]
    to_13 = np.asarray(mapping["labels13"]).ravel().astype(int)
    names = loadmat(root / "meta/classMapping40.mat")["className"].ravel()
    assert [str(name[0]) for name in names] == list(nyuv2.CLASSES)
    labels = nyuv2.TABLE.apply("", raw(root / "full480x640/label40_minus1/000433.png"))
    other = raw(root / "full480x640/label13/000433.png")
    known = labels != VOID
    assert np.array_equal(to_13[labels[known]], other[known])
    assert (other[~known] == 0).all()


def test_nyu_depth_is_metres_and_normals_are_unit_vectors(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "nyuv2" / "full480x640"
    lists = dict.fromkeys(("train_list", "val_list", "test_list"), listing(tmp_path, "433"))
    dataset = opened("nyuv2", root, targets="edge,depth,normals", holdout=0, **lists)
    images = dataset.splits["train"]
    depth_HW = images.targets["depth"][0]
    converted_HW = np.load(real_data / "nyud_mt_layout/NYUD_MT/depth/0433.npy")
    assert np.array_equal(depth_HW == 0, converted_HW == 0)
    assert np.allclose(depth_HW, converted_HW, atol=2e-4)
    normals_HW3, labels_HW = images.targets["normals"][0], images.labels_NHW[0]
    seen_HW = normals_HW3.any(axis=2)
    assert 0.5 < seen_HW.mean() < 1
    assert np.allclose(np.linalg.norm(normals_HW3[seen_HW], axis=1), 1, atol=1e-5)
    # The axes: a floor looks up (y is down), and what is seen looks to the viewer.
    floor = normals_HW3[seen_HW & (labels_HW == nyuv2.CLASSES.index("floor"))].mean(axis=0)
    assert floor[1] < -0.8
    assert (normals_HW3[seen_HW][:, 2] > 0).mean() > 0.9
    edge_HW = images.targets["edge"][0]
    assert np.array_equal(edge_HW == VOID, labels_HW == VOID)
    row, column = np.argwhere(edge_HW == 1)[1000]
    below, right = labels_HW[row + 1, column], labels_HW[row, column + 1]
    assert {int(below), int(right)} - {int(labels_HW[row, column]), VOID}


def test_the_official_mat_file_is_read_as_matlab_wrote_it(real_data: Path, tmp_path: Path) -> None:
    """A small file structured as the official one: arrays are (image, colour, column, row)."""

    import h5py

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 3, 8, 6), dtype=np.uint8)
    labels = random.integers(0, 895, (20, 8, 6), dtype=np.uint16)
    depths = random.random((20, 8, 6), dtype=np.float32)
    with h5py.File(tmp_path / nyuv2.OFFICIAL, "w") as file:
        file["images"], file["labels"], file["depths"] = images, labels, depths
    meta = real_data / "nyuv2" / "meta"
    for name in ("splits.mat", "classMapping40.mat"):
        shutil.copy(meta / name, tmp_path / name)
    dataset = opened("nyuv2", tmp_path, train_images=5, val_images=2, test_images=2)
    assert dataset.splits["train"].names[0] == "000003"
    to_40 = loadmat(meta / "classMapping40.mat")["mapClass"].ravel()
    for row in range(6):
        for column in range(8):
            fine = labels[2, column, row]
            expected = to_40[fine - 1] - 1 if fine else VOID
            assert dataset.splits["train"].labels_NHW[0, row, column] == expected
            pixel = dataset.splits["train"].images_NHWC[0, row, column]
            assert pixel.tolist() == images[2, :, column, row].tolist()
    few = {"train_images": 5, "val_images": 2, "test_images": 2}
    of_depth = opened("nyuv2", tmp_path, targets="depth", **few)
    assert np.array_equal(of_depth.splits["train"].targets["depth"][0], depths[2].T)
    assert of_depth.digest != opened("nyuv2", tmp_path, **few).digest
    with pytest.raises(DataError, match="for nyuv2: '' or some of edge,depth; got 'normals'"):
        opened("nyuv2", tmp_path, targets="normals")
    with pytest.raises(DataError, match="image 1440 is missing, has 20"):
        opened("nyuv2", tmp_path, train_list=listing(tmp_path, "1440"), holdout=0)
