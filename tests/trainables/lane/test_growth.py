"""A rank keeps nothing of a trial that has ended: a warm lane runs thousands."""

import gc
from pathlib import Path

import pytest
import ray
import torch

from tests.processes import on_ranks
from trainables.config import TrialConfig, Value, flatten
from trainables.lane.mailbox import Epoch, LaneSettings, Save, Start
from trainables.lane.worker import Worker

TINY: dict[str, Value] = {
    "data/height": 16,
    "data/width": 16,
    "data/train_images": 2,
    "data/val_images": 2,
    "data/test_images": 1,
    "model/width": 4,
    "batch": 2,
    "epochs": 1,
    "loss/beta": 1.0,
    "optim/ema": 0.5,
}
TRIALS = 8


def grow(_: int, folder: str) -> None:
    """Run trials on a rank; write by how many objects it grows in the last eight."""
    for name in ("put", "get"):
        setattr(ray, name, lambda value: value)
    worker = Worker(LaneSettings(1, 1, 0, "", folder), torch.device("cpu"))
    config = flatten(TrialConfig().changed(TINY))

    def run(seed: int) -> int:
        for command in (Start({**config, "seed": seed}), Epoch(), Save()):
            assert not hasattr(worker.answer(command, alone=True), "kind")
        worker.drop()
        return len(gc.get_objects())

    gc.collect()
    gc.freeze()  # as a rank does: what was there before is neither scanned nor counted
    before = [run(seed) for seed in range(3)][-1]
    after = [run(seed) for seed in range(TRIALS)][-1]
    (Path(folder) / "growth").write_text(str(after - before))


@pytest.mark.slow
def test_a_rank_has_as_many_objects_after_eight_trials_as_before(tmp_path: Path) -> None:
    """In a process of its own: a test runner's threads create objects meanwhile."""
    on_ranks(1, tmp_path, grow, str(tmp_path))
    assert int((tmp_path / "growth").read_text()) < TRIALS
