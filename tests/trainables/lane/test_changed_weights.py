"""A file of weights that changes while a study runs stops it: its trials could not be compared."""

from pathlib import Path

import torch

from trainables.config import TrialConfig, Value, flatten
from trainables.config.trial_id import weights_content
from trainables.lane.failures import Failure, FailureKind
from trainables.lane.mailbox import LaneSettings, Start
from trainables.lane.worker import Worker
from trainables.networks.segmentation import Segmenter

TINY: dict[str, Value] = {
    "data/height": 32,
    "data/width": 32,
    "data/train_images": 2,
    "data/val_images": 2,
    "data/test_images": 1,
    "model/network": "fpn",
    "model/encoder": "resnet10t",
    "batch": 2,
}


def test_weights_that_change_between_two_trials_stop_the_study(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    bare = TrialConfig().changed(TINY)
    torch.save(Segmenter(bare.model, 4, False).network.state_dict(), path)
    config = flatten(bare.changed({"model/weights": str(path)}))
    known = {str(path): weights_content(str(path))}
    worker = Worker(LaneSettings(1, 1, 0, "", str(tmp_path), weights=known), torch.device("cpu"))
    assert worker.answer(Start(config), alone=True) == 0
    path.write_bytes(path.read_bytes() + b"\0")
    changed = worker.answer(Start(config), alone=True)
    path.unlink()
    gone = worker.answer(Start(config), alone=True)
    for failure, now in ((changed, "now it is sha256:"), (gone, "now it is no file")):
        assert isinstance(failure, Failure)
        assert failure.kind == FailureKind.DATA
        assert f"{path} changed since the study began: it was sha256:" in failure.message
        assert "\n" not in failure.message
        assert now in failure.message
