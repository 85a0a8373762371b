"""How long an epoch will take: a few batches, timed as a rank will train them."""

import pytest
import torch

from study.planning.forecast import epoch_seconds, forecast
from trainables.config import TrialConfig
from trainables.data import load
from trainables.training.training import Training

CONFIG = TrialConfig().changed(
    {
        "batch": 4,
        "data/height": 16,
        "data/width": 24,
        "data/train_images": 24,
        "data/val_images": 4,
        "data/test_images": 4,
    }
)


def test_batches_are_timed_on_the_threads_of_a_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, epoch, evaluate = [], Training.train_epoch, Training.evaluate

    def counted(self: Training) -> object:
        seen.append(torch.get_num_threads())
        return epoch(self)

    def counted_evaluation(self: Training, split: str) -> object:
        seen.append(torch.get_num_threads())
        return evaluate(self, split)

    monkeypatch.setattr(Training, "train_epoch", counted)
    monkeypatch.setattr(Training, "evaluate", counted_evaluation)
    before = torch.get_num_threads()
    assert epoch_seconds(CONFIG, load(CONFIG.data), threads=before + 1) > 0
    assert seen == [before + 1, before + 1]
    assert torch.get_num_threads() == before


def test_the_thread_count_is_restored_after_a_step_that_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_: Training) -> None:
        raise RuntimeError("no step")

    monkeypatch.setattr(Training, "train_epoch", fails)
    before = torch.get_num_threads()
    _, trouble = forecast(CONFIG, load(CONFIG.data), before + 1)
    assert trouble == "none: its first step raised RuntimeError: no step"
    assert torch.get_num_threads() == before
