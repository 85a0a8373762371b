"""NYUD_MT and PASCAL_MT on real files, and what is said of bad ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.trainables.data.real_layouts import listing, opened, raw
from trainables.config import DataConfig
from trainables.data import DataError, open_layout
from trainables.geometry.boundaries import VOID

ONE_LIST = {"train_list": "val", "holdout": 0}
IDS = ("2008_002176", "2009_001521", "2010_000682")


def test_nyud_mt_has_its_maps_and_its_official_lists(real_data: Path) -> None:
    root = real_data / "nyud_mt_layout"
    with pytest.raises(DataError, match=r"gt_sets/train.txt: missing; give another list with"):
        open_layout(DataConfig(dataset="nyud_mt", root=str(root)))
    dataset = opened("nyud_mt", root, targets="edge,depth,normals", **ONE_LIST)
    images, folder = dataset.splits["test"], root / "NYUD_MT"
    assert images.names == ("0433",)
    stored_HW = raw(folder / "segmentation/0433.png").astype(int)
    assert np.array_equal(images.labels_NHW[0], np.where(stored_HW == 0, VOID, stored_HW - 1))
    for task in ("edge", "depth"):
        expected = np.load(folder / task / "0433.npy")
        assert np.array_equal(images.targets[task][0], expected)
    normals = np.load(folder / "normals/0433.npy")
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    unit = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    np.testing.assert_allclose(images.targets["normals"][0], unit, atol=1e-6)
    # These files have z up, as the depth camera's toolbox has it: said, for turning needs y down.
    assert any("normals point away from the viewer" in line for line in dataset.sanity.warnings)
    assert opened("nyud_mt", root, **ONE_LIST).digest != dataset.digest


def test_pascal_mt_has_its_maps(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "pascal_mt_layout"
    names = "edge,normals,saliency,parts"
    lists = dict.fromkeys(("train_list", "val_list"), listing(tmp_path, *IDS))
    dataset = opened("pascal_mt", root, targets=names, holdout=0, **lists)
    images = dataset.splits["train"]
    assert images.names == IDS
    assert len(dataset.parts) == 7
    persons = {"2008_002176", "2009_001521"}  # its SYNTHETIC.md
    for row, name in enumerate(images.names):
        parts_HW = images.targets["parts"][row]
        silhouette = images.labels_NHW[row] == dataset.classes.index("person")
        if name in persons:
            assert np.array_equal(parts_HW > 0, silhouette)
        else:
            assert (parts_HW == VOID).all()
        salient_HW = raw(root / f"PASCAL_MT/sal_distill/{name}.png") > 127
        assert np.array_equal(images.targets["saliency"][row], salient_HW)
        edge_HW = images.targets["edge"][row]
        assert 0.004 < edge_HW.mean() < 0.03
        normals = images.targets["normals"][row]
        known = normals.any(axis=2)
        if name in persons:
            assert np.array_equal(known, silhouette)  # a person is among NYUv2's classes
        assert np.allclose(normals[known], np.array([1, 1, 255]) / np.sqrt(2 + 255**2))


def faulty(folder: Path, change: Callable[[Path], None]) -> str:
    """The one line that is said after a change of the files."""
    change(folder)
    with pytest.raises(DataError) as error:
        opened("nyud_mt", folder, targets="edge,depth,normals", **ONE_LIST)
    return str(error.value)


def with_value(task: str, value: object, dtype: str = "float32") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / task / "1.npy"
        map_ = np.load(path).astype(dtype)
        map_[2, 3] = value
        np.save(path, map_)

    return change


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder of NYUD_MT's form with one image of 6 x 8."""
    maps: dict[str, NDArray[np.generic]] = {
        "depth": np.full((6, 8), 2.5, dtype=np.float32) + np.eye(6, 8, dtype=np.float32),
        "normals": np.tile(np.array([0, 0, 1], dtype=np.float32), (6, 8, 1)),
        "edge": np.eye(6, 8, dtype=np.uint8),
    }
    for task, map_ in maps.items():
        (tmp_path / task).mkdir()
        np.save(tmp_path / task / "1.npy", map_)
    for name in ("images", "segmentation", "gt_sets"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.zeros((6, 8, 3), dtype=np.uint8)).save(tmp_path / "images/1.jpg")
    labels = np.arange(48, dtype=np.uint8).reshape(6, 8) % 41
    Image.fromarray(labels).save(tmp_path / "segmentation/1.png")
    (tmp_path / "gt_sets/val.txt").write_text("1\n")
    return tmp_path


def test_a_good_folder_is_read(small: Path) -> None:
    dataset = opened("nyud_mt", small, targets="edge,depth,normals", **ONE_LIST)
    assert dataset.splits["val"].targets["normals"][0].shape == (6, 8, 3)
    streamed = opened("nyud_mt", small, targets="edge,depth,normals", cache="off", **ONE_LIST)
    assert streamed.digest == dataset.digest
    for task, maps in dataset.splits["val"].targets.items():
        other = streamed.splits["val"].targets[task]
        assert other.nbytes == 0
        assert np.array_equal(other[0], maps[0])
    with_value("depth", 2.51)(small)
    changed = opened("nyud_mt", small, targets="edge,depth,normals", cache="on", **ONE_LIST)
    assert changed.digest != dataset.digest
    with pytest.raises(DataError, match="1: changed since the study began"):
        streamed.splits["train"].targets["depth"][0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: (root / "edge/1.npy").unlink(), "edge/1.npy: edge of 1 is missing"),
        (with_value("depth", -1.0), "depth/1.npy: depth must be finite metres >= 0 .*, got -1.0"),
        (with_value("depth", np.nan), "depth/1.npy: depth must be finite metres .*, got nan"),
        (with_value("depth", 1, "int16"), "depth/1.npy: must hold floats, got int16"),
        (with_value("normals", 0.7), r"normals/1.npy: normals must have the length 1 .*\[0.69"),
        (with_value("normals", np.nan), r"normals/1.npy: normals must have the length 1 .*nan"),
        (with_value("edge", 2), "edge/1.npy: edge must be 0 or 1, got 2.0"),
        (
            lambda root: np.save(root / "depth/1.npy", np.ones((5, 8), dtype=np.float32)),
            r"depth/1.npy: depth must have the shape \(6, 8\), got \(5, 8\)",
        ),
        (
            lambda root: (root / "normals/1.npy").write_bytes(b"no array"),
            "normals/1.npy: cannot be decoded",
        ),
        (lambda root: shutil.rmtree(root / "depth"), "depth/1.npy: depth of 1 is missing"),
    ],
)
def test_a_bad_map_is_named_with_its_value(
    small: Path, change: Callable[[Path], None], message: str
) -> None:
    import re

    said = faulty(small, change)
    assert "\n" not in said
    assert re.search(message, said), said


@pytest.mark.parametrize(
    ("task", "value", "line"),
    [
        ("depth", 0.0, "depth is missing in every pixel"),
        ("depth", 3.0, "depth is 3 m everywhere"),
        ("edge", 0, "edge is 0 everywhere"),
    ],
)
def test_maps_without_content_are_said(small: Path, task: str, value: float, line: str) -> None:
    path = small / task / "1.npy"
    np.save(path, np.full_like(np.load(path), value))
    sanity = opened("nyud_mt", small, targets="edge,depth", **ONE_LIST).sanity
    assert f"train: {line}" in sanity.warnings
