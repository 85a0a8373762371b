"""Predicting and exporting with a network that receives maps: they are given, or a line says so."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from study.commands.export import main as export
from study.commands.predict import main
from study.reporting.sections import use_tasks
from study.tracking import model_files
from study.tracking.pyfunc_model import Labels, stored_type
from tests.study import fake
from tests.study.commands.test_predict import finished_study
from trainables import saved
from trainables.config import TrialConfig
from trainables.config.inputs import InputMap
from trainables.config.pixels import Pixels
from trainables.data import Dataset, load
from trainables.export import described

SMALL = {
    "data__height": 32,
    "data__width": 48,
    "data__train_images": 4,
    "data__val_images": 2,
    "data__test_images": 2,
}


@pytest.fixture(autouse=True)
def _no_miou(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "miou", lambda params, epoch: 0.5)


def _study(tmp_path: Path, inputs: str) -> tuple[Path, Dataset]:
    folder, config, _ = finished_study(tmp_path / "runs", data__inputs=inputs, **SMALL)
    return folder.model, load(config.data)


def _write(data: Dataset, folder: Path, factor: float = 1.0) -> None:
    """The test images, and their maps as ``study/predict.py`` would write them."""
    images = data.splits["test"]
    for row in range(len(images)):
        for name in ("images", "depth", "normals"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(images.images_NHWC[row]).save(folder / "images" / f"{row}.png")
        millimetres = np.rint(images.targets["depth"][row] * 1000 * factor).astype(np.uint16)
        Image.fromarray(millimetres).save(folder / "depth" / f"{row}.png")
        if "normals" in images.targets:
            np.save(folder / "normals" / f"{row}.npy", images.targets["normals"][row])


def _labels(folder: Path) -> list[NDArray[np.uint8]]:
    return [np.asarray(Image.open(path)) for path in sorted(folder.rglob("*.png"))]


def _expected(model: Path, data: Dataset, *, exact: bool = False) -> list[NDArray[np.int64]]:
    network, _, _ = saved.load(model)
    found = []
    images = data.splits["test"]
    for row in range(len(images)):
        bands = [torch.from_numpy(images.images_NHWC[row]).permute(2, 0, 1) / 255]
        depth = images.targets["depth"][row]
        if not exact:  # as PNGs hold it
            depth = np.rint(depth * 1000).astype(np.float32) / 1000
        bands.append(torch.from_numpy(depth)[None])
        if "normals" in data.inputs:
            bands.append(torch.from_numpy(images.targets["normals"][row]).permute(2, 0, 1))
        with torch.no_grad():
            found.append(network(torch.cat(bands)[None]).logits_BKHW[0].argmax(dim=0).numpy())
    return found


def test_a_folder_is_predicted_with_its_maps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = _study(tmp_path, "depth,normals")
    _write(data, tmp_path)
    given = ["fake", str(tmp_path / "images"), "--storage", str(tmp_path / "runs")]
    assert main([*given, "--out", str(tmp_path / "none")]) == 2
    line = (
        "--inputs must be given, a folder with depth, normals: the network receives them, got 'no"
    )
    assert line in capsys.readouterr().err
    out = tmp_path / "out"
    assert main([*given, "--inputs", str(tmp_path), "--out", str(out)]) == 0
    assert not capsys.readouterr().err
    for found, expected in zip(_labels(out), _expected(model, data), strict=True):
        assert np.array_equal(found, expected)
    (tmp_path / "normals" / "1.npy").unlink()
    assert main([*given, "--inputs", str(tmp_path), "--out", str(tmp_path / "none")]) == 2
    assert "normals of 1 is missing" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_depth_in_another_unit_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, data = _study(tmp_path, "depth")
    _write(data, tmp_path, factor=5.0)
    given = ["fake", str(tmp_path / "images"), "--storage", str(tmp_path / "runs")]
    assert main([*given, "--inputs", str(tmp_path / "depth"), "--out", str(tmp_path / "out")]) == 0
    error = capsys.readouterr().err
    assert "warning: 0: mean depth" in error
    assert "are these files in millimetres (.png) or metres (.npy)?" in error


def test_a_list_has_the_maps_of_its_dataset(tmp_path: Path) -> None:
    model, data = _study(tmp_path, "depth")
    given = ["fake", "--list", "test", "--storage", str(tmp_path / "runs")]
    assert main([*given, "--out", str(tmp_path / "out")]) == 0
    found = [np.asarray(Image.open(tmp_path / "out" / f"test-{row:05d}.png")) for row in (0, 1)]
    for labels_HW, expected_HW in zip(found, _expected(model, data, exact=True), strict=True):
        assert np.array_equal(labels_HW, expected_HW)


def test_images_alone_need_no_folder_of_maps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_study(tmp_path / "runs", **SMALL)
    given = ["fake", "--list", "test", "--storage", str(tmp_path / "runs"), "--inputs", "."]
    assert main([*given, "--out", str(tmp_path / "out")]) == 2
    assert "--inputs must be left out: the network receives images alone" in capsys.readouterr().err


@pytest.mark.slow
def test_an_exported_network_says_what_its_bands_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _study(tmp_path, "depth")
    out = tmp_path / "network.pt2"
    given = ["fake", "--format", "torch", "--storage", str(tmp_path / "runs"), "--out", str(out)]
    assert export(given) == 0
    line = (
        "images float (batch, 4, height, width): 3 in [0, 1], then depth (metres), 0 where missing"
    )
    assert line in capsys.readouterr().out
    facts = {"facts.json": ""}
    torch.export.load(out, extra_files=facts)
    assert json.loads(facts["facts.json"])["bands"][2:] == ["image 3", "depth in metres"]


def test_mlflow_takes_maps_behind_the_image(tmp_path: Path) -> None:
    model, data = _study(tmp_path, "depth")
    pixels = saved.pixels(model)
    assert stored_type(pixels) == np.float32
    images = data.splits["test"]
    millimetres = np.rint(images.targets["depth"] * 1000).astype(np.float32)
    parts = images.images_NHWC.astype(np.float32), millimetres[..., None] / 1000
    given = np.concatenate(parts, axis=3).astype(np.float32)
    labels = Labels(model)
    assert np.array_equal(labels.predict(given), np.stack(_expected(model, data)))
    with pytest.raises(ValueError, match="images must be of 3 bands, 8-bit, as files hold it, in"):
        labels.predict((given / np.array((255, 255, 255, 1))).astype(np.float32))
    with pytest.raises(ValueError, match="depth must be finite metres >= 0"):
        labels.predict((given * np.array((1, 1, 1, -1))).astype(np.float32))
    with pytest.raises(ValueError, match=r"images must be float32 of shape \(B,H,W,4\)"):
        labels.predict(np.asarray(images.images_NHWC, np.uint8))
    model_files.write(model, "fake", ["a"], pixels)
    assert model_files.is_complete(model)


def test_words_for_users_name_the_maps() -> None:
    """Of exported files, model cards and `use_it.py`, whose example is as wide as the network."""
    config = TrialConfig().changed({"data/inputs": "depth,normals"})
    assert use_tasks.bands_of(config) == "network.pixels.bands"
    assert "then depth (metres), normals (x, y, z), 0 where" in use_tasks.images_of(config)
    assert use_tasks.images_of(TrialConfig()) == "float (B,3,H,W), RGB in [0, 1]"
    seen = Pixels(7, maps=()), Pixels(4, inputs=(InputMap("depth", (2.0,), (1.0,)),))
    assert described(seen[0]) == "(batch, 7, height, width) in [0, 1]"
    assert described(seen[1]).startswith("(batch, 4, height, width): 3 in [0, 1], then depth (m")
