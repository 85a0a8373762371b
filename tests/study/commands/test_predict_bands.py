"""`study/predict.py` and the saved network on images that are no photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from study.commands.predict import main
from tests.study import fake
from tests.study.commands.test_predict import finished_study, maps
from tests.trainables.data.kinds import config as data_config
from tests.trainables.data.kinds import folder, opened, tiff, values
from trainables import saved
from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training


@pytest.fixture(autouse=True)
def _no_miou(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake trial has no parameters to compute one from."""
    monkeypatch.setattr(fake, "miou", lambda params, epoch: 0.5)


@pytest.mark.parametrize(("dtype", "bands", "full"), [("uint16", 7, 65535), ("float32", 2, 1)])
def test_a_prediction_normalises_as_the_training_did(
    tmp_path: Path, dtype: str, bands: int, full: float
) -> None:
    root = folder(tmp_path / "data", dtype, bands, tiff)
    study, _, _ = finished_study(tmp_path / "runs", data__dataset="folder", data__root=str(root))
    pixels = opened(root).pixels
    network, _, _ = saved.load(study.model)
    assert network.pixels == pixels
    where = ["--storage", str(tmp_path / "runs")]
    given = ["fake", str(root / "images"), "--out", str(tmp_path / "out"), "--overlay", *where]
    assert main(given) == 0
    found = maps(tmp_path / "out")
    assert len(found) == 10
    image = torch.from_numpy(values(dtype, bands, 9).astype(np.float32) / np.float32(full))
    with torch.no_grad():
        scores = network(image.permute(2, 0, 1)[None]).logits_BKHW
    np.testing.assert_array_equal(found["9"], scores[0].argmax(dim=0).numpy())
    assert (tmp_path / "out" / "overlays" / "9.png").is_file()


def test_images_of_another_kind_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "data", "uint16", 7, tiff)
    finished_study(tmp_path / "runs", data__dataset="folder", data__root=str(root))
    tiff(root / "images" / "3", values("uint8", 7))
    where = ["--storage", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    assert main(["fake", str(root / "images"), *where]) == 2
    error = capsys.readouterr().err
    assert "3 must be of 7 bands, 16-bit, as the network was trained on, got '7 bands, 8" in error
    assert not (tmp_path / "out").exists()


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path: Path) -> None:
    """With brightness and crops, which use the statistics of the bands."""
    root = folder(tmp_path, "float32", 3)
    config = TrialConfig().changed(
        {
            "data/dataset": "folder",
            "data/root": str(root),
            "data/crop_height": 4,
            "data/crop_width": 4,
            "data/brightness": 20.0,
            "model/width": 4,
            "batch": 4,
            "epochs": 2,
            "optim/ema": 0.5,
        }
    )
    dataset = load(data_config(root))

    def training() -> Training:
        return Training(config, dataset, Learned(), torch.device("cpu"))

    whole = training()
    whole.train_epoch()
    resumed = training()
    resumed.load(whole.save())
    for one in (whole, resumed):
        one.train_epoch()
    assert whole.save() == resumed.save()
    assert all(torch.isfinite(x).all() for x in resumed.network.parameters())
