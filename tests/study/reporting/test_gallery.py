"""Pictures of the worst test images, from real networks; Ray's remote call runs in this process."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from study.execution import test_evaluation
from study.ledger.trial_record import TrialRecord
from study.reporting.pictures import gallery
from tests.study import fake
from trainables.config import TrialConfig, flatten
from trainables.data import load
from trainables.losses.terms import Learned
from trainables.training import checkpoint, restore
from trainables.training.training import Training


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run ``ray.remote`` functions in this process, without Ray."""

    def remote(**resources: float) -> Callable[[Callable[..., object]], SimpleNamespace]:
        return lambda call: SimpleNamespace(remote=call)

    instead = SimpleNamespace(remote=remote, get=lambda found: found)
    monkeypatch.setattr(test_evaluation, "ray", instead)


def test_every_chosen_image_is_drawn_with_every_network(tmp_path: Path, here: None) -> None:
    flat = {
        "data/height": 24,
        "data/width": 32,
        "data/train_images": 2,
        "data/val_images": 1,
        "data/test_images": 3,
        "model/width": 4,
        "batch": 2,
        "loss/ar": 0.1,
    }
    config = TrialConfig().changed(flat)
    dataset = load(config.data)
    state = Training(config, dataset, Learned(), torch.device("cpu")).save()
    folder = tmp_path / "checkpoint_000000"
    folder.mkdir()
    checkpoint.write(folder, 1, state, dataset.splits["test"].labels_NHW, b"")
    newest = checkpoint.read(folder)
    trials = [
        TrialRecord(number=number, id="", params={}, config=flatten(config), cell=cell)
        for number, cell in enumerate(("plain", "ar"))
    ]
    evaluation = test_evaluation.ClusterEvaluation(fake.plan(tmp_path), dataset)
    seen = evaluation.look(trials, lambda trial: newest.state(), [2, 0])
    assert [picture.name for picture in seen] == ["plain", "ar"]
    affinity = gallery.trained_affinity(trials)
    gallery.draw(seen, [2, 0], dataset, tmp_path / "out", affinity=affinity)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    images = dataset.splits["test"].names
    assert names == ["affinity.png", f"worst-1-{images[2]}.png", f"worst-2-{images[0]}.png"]
    with Image.open(tmp_path / "out" / names[1]) as sheet:
        pixels = np.asarray(sheet)[18:]  # below the caption
    assert pixels.shape == (240, 4 * 320, 3)  # image, truth, two networks; ten times as large
    assert (pixels[::10, 0:320:10] == dataset.splits["test"].images_NHWC[2]).all()


def test_affinities_of_places_are_one_where_labels_agree() -> None:
    eye_LL = np.eye(144, dtype=np.float32)
    seen = restore.Seen("a", (np.zeros((2, 2), np.uint8),), np.full_like(eye_LL, 0.5), eye_LL)
    figure = gallery.affinity_figure([seen], "x")
    assert [axes.get_title() for axes in figure.axes[:2]] == ["labels", "a\nsquared error 0.250"]
