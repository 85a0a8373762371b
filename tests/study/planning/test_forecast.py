"""How long an epoch will take: a few batches, timed as a rank will train them."""

from pathlib import Path

import pytest
import torch

from study.planning.forecast import (
    STEP_S,
    forecast,
    pace,
    stages_to_train,
    study_seconds,
    trial_kinds,
)
from tests.study import fake, fake_grid
from trainables.config import TrialConfig
from trainables.config.evaluation import Split
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

    def counted_evaluation(self: Training, split: Split) -> object:
        seen.append(torch.get_num_threads())
        return evaluate(self, split)

    monkeypatch.setattr(Training, "train_epoch", counted)
    monkeypatch.setattr(Training, "evaluate", counted_evaluation)
    before = torch.get_num_threads()
    found = pace(CONFIG, load(CONFIG.data), threads=before + 1)
    assert found.train_s > 0
    assert found.image_s > 0
    assert seen == [before + 1, before + 1]
    assert torch.get_num_threads() == before


def test_the_thread_count_is_restored_after_a_step_that_raised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(_: Training) -> None:
        raise RuntimeError("no step")

    monkeypatch.setattr(Training, "train_epoch", fails)
    before = torch.get_num_threads()
    plan = fake.plan(tmp_path, base=CONFIG, cpus_per_worker=float(before + 1))
    with pytest.raises(ValueError, match="its first step raised RuntimeError: no step"):
        forecast(plan, fake.SPACE, load(CONFIG.data), 8)
    assert torch.get_num_threads() == before


def test_without_the_memory_here_there_is_a_plan_and_no_forecast(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The machines that run the trials may have it."""

    def fails(_: Training) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Training, "train_epoch", fails)
    found = forecast(fake.plan(tmp_path, base=CONFIG), fake.SPACE, load(CONFIG.data), 8)
    assert found.problem.startswith("none: its first step raised RuntimeError: DefaultCPU")


def test_trials_with_other_losses_are_timed_apart(tmp_path: Path) -> None:
    grid = fake_grid.plan(tmp_path)
    assert [(kind.config.loss.lovasz, kind.trials) for kind in trial_kinds(grid, fake.SPACE)] == [
        (0.0, 6),
        (1.0, 6),
    ]
    search = fake.plan(tmp_path, confirm=(1, 2, 3))
    kinds = trial_kinds(search, fake.SPACE)
    assert [kind.trials for kind in kinds] == [8 + 3, 3]
    assert (kinds[0].config.loss.gamma > 0, kinds[1].config.loss.gamma) == (True, 0.0)


def test_stages_of_the_storage_are_not_trained_again(tmp_path: Path) -> None:
    """Six stages can be drawn; four draws are expected to need half of them."""
    most, expected = stages_to_train(fake.plan(tmp_path), fake.SPACE, "d" * 16, 4)
    assert most == 4
    step_s, steps = STEP_S["inverse_net"], 1200
    assert expected == pytest.approx(6 * step_s * steps * (1 - (5 / 6) ** 4))
    assert stages_to_train(fake_grid.plan(tmp_path), fake.SPACE, "d" * 16, 12) == (0, 0)


def test_all_parts_of_a_study_are_in_the_forecast(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, lanes=2)
    empty = study_seconds(plan, 0.0, 0.0, 0, 8)
    assert empty > 30  # the starts, and the end
    one_stage = study_seconds(plan, 0.0, 0.0, 1, 8) - empty
    trials = study_seconds(plan, 1.0, 0.0, 0, 8) - empty
    test = study_seconds(plan, 0.0, 1.0, 0, 8) - empty
    assert one_stage > 0
    assert trials >= 8 * fake.EPOCHS / 2
    assert test >= 0.5
    assert study_seconds(plan, 1.0, 1.0, 0, 0) < 20  # nothing is left to run
