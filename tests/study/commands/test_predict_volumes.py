"""`study/predict.py` on volumes: NIfTI label maps where their FLAIR is, beside the slices."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

import study
from study.commands.predict import main
from tests.study.commands.test_predict import _no_miou as _no_miou
from tests.study.commands.test_predict import finished_study
from trainables.config import DataConfig
from trainables.data import open_layout

SIZE = (10, 14, 3)
"""X, Y, Z."""
AFFINE = np.array([[0, -1.5, 0, 4], [0.5, 0, 0, -7], [0, 0, 3, 2], [0, 0, 0, 1.0]])
"""Axes that are swapped and mirrored, of three spacings."""


def volume(path: Path, values_XYZ: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(values_XYZ, AFFINE)
    image.header["cal_max"] = 900
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)


def subjects(root: Path, truth: bool = True) -> Path:
    random = np.random.default_rng(0)
    for name in "abcde":
        flair = random.integers(0, 900, SIZE).astype(np.int16)
        volume(root / name / "pre" / "FLAIR.nii.gz", flair)
        if truth:
            volume(root / name / "wmh.nii.gz", (flair > 600).astype(np.uint8))
    return root


def finished(tmp_path: Path) -> str:
    root = str(subjects(tmp_path / "data"))
    finished_study(tmp_path / "runs", data__dataset="wmh", data__root=root)
    return str(tmp_path / "runs")


@pytest.mark.parametrize("what", ["folder", "list"])
def test_a_volume_has_its_source_s_place_and_its_slices_labels(tmp_path: Path, what: str) -> None:
    runs, out = finished(tmp_path), tmp_path / "maps"
    new = subjects(tmp_path / "new", truth=False) if what == "folder" else None
    paths = study.predict("fake", new, out=out, storage=runs, list_name="" if new else "test")
    names = "abcde" if new else "e"
    volumes = [path for path in paths if path.name == "result.nii.gz"]
    assert volumes == [out / name / "result.nii.gz" for name in names]
    source = nibabel.load(tmp_path / "data" / names[0] / "pre" / "FLAIR.nii.gz")
    found = nibabel.load(volumes[0])
    assert np.array_equal(found.affine, source.affine)
    assert found.header.get_zooms() == source.header.get_zooms()
    assert found.get_data_dtype() == np.uint8
    assert found.header["cal_max"] == 0
    labels_XYZ = np.asarray(found.dataobj)
    assert labels_XYZ.shape == SIZE
    assert 0 < labels_XYZ.mean() < 1, "both classes, or the test proves nothing"
    for number in range(SIZE[2]):
        slice_HW = np.asarray(Image.open(out / names[0] / f"{number:03d}.png"))
        assert np.array_equal(labels_XYZ[:, :, number].T, slice_HW)


def test_volumes_are_read_back_as_truth(tmp_path: Path) -> None:
    runs, out = finished(tmp_path), tmp_path / "maps"
    root = subjects(tmp_path / "data")
    study.predict("fake", root, out=out, storage=runs)
    for path in root.glob("*/wmh.nii.gz"):
        path.write_bytes((out / path.parent.name / "result.nii.gz").read_bytes())
    for sample in open_layout(DataConfig(dataset="wmh", root=str(root))).splits["train"]:
        png = np.asarray(Image.open(out / f"{sample.name}.png"))
        assert np.array_equal(sample.read().labels_HW, png)


def test_a_volume_that_exists_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, out = finished(tmp_path), tmp_path / "maps"
    (out / "c").mkdir(parents=True)
    (out / "c" / "result.nii.gz").write_bytes(b"mine")
    arguments = ["fake", str(tmp_path / "data"), "--out", str(out), "--storage", runs]
    assert main(arguments) == 2
    assert "c/result.nii.gz" in capsys.readouterr().err
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["result.nii.gz"]
    assert main([*arguments, "--overwrite"]) == 0
    assert "15 label maps and 5 volumes" in capsys.readouterr().out


def test_a_folder_without_volumes_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, empty = finished(tmp_path), tmp_path / "empty"
    empty.mkdir()
    (empty / "a.png").write_bytes(b"an image, but no volume")
    assert main(["fake", str(empty), "--out", str(tmp_path / "o"), "--storage", runs]) == 2
    assert "holds no volume, SUBJECT/pre/FLAIR.nii.gz" in capsys.readouterr().err
    subjects(empty)
    (empty / "b" / "pre" / "FLAIR.nii.gz").write_bytes(b"damaged")
    assert main(["fake", str(empty), "--out", str(tmp_path / "o"), "--storage", runs]) == 2
    assert "b/pre/FLAIR.nii.gz: cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
