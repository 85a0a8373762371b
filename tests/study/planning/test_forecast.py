"""How long an epoch will take: a few batches, timed as a rank will train them."""

import os
from pathlib import Path

import pytest
import torch

from study.planning import budget
from study.planning import pace as pacing
from study.planning.forecast import (
    BUSY,
    BUSY_TIMED,
    STEP_S,
    forecast,
    stages_to_train,
    study_seconds,
    trial_kinds,
)
from study.planning.pace import pace
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

    def counted_evaluation(self: Training, split: Split = "val") -> object:
        seen.append(torch.get_num_threads())
        return evaluate(self, split)

    monkeypatch.setattr(Training, "train_epoch", counted)
    monkeypatch.setattr(Training, "evaluate", counted_evaluation)
    before = torch.get_num_threads()
    found = pace(CONFIG, load(CONFIG.data), threads=before + 1)
    assert found.train_s > 0
    assert found.image_s > 0
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_the_first_batches_and_other_processes_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Clocks that each step moves: the first epoch takes 10 s, the others 1/8 s of work in more
    wall time; an evaluation is 1/2 s of work for two threads."""
    clocks, epochs = {"wall": 0.0, "work": 0.0}, iter([(10.0, 10.0), (0.25, 0.125), (9.0, 0.125)])

    def epoch(self: Training) -> None:
        wall, work = next(epochs, (0.25, 0.125))
        clocks["wall"] += wall
        clocks["work"] += work

    def evaluation(self: Training, split: Split = "val") -> None:
        clocks["wall"] += 0.25
        clocks["work"] += 0.5

    monkeypatch.setattr(Training, "train_epoch", epoch)
    monkeypatch.setattr(Training, "evaluate", evaluation)
    monkeypatch.setattr(pacing, "monotonic", lambda: clocks["wall"])
    monkeypatch.setattr(pacing, "process_time", lambda: clocks["work"])
    found = pace(CONFIG, load(CONFIG.data), threads=1)
    assert found.train_s == 6 / 2 * 0.125  # six batches, of which two were timed
    assert found.image_s == 0.25 / 4


def test_a_busy_machine_is_named_and_its_load_counted_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan, parts = fake.plan(tmp_path, lanes=2), []
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for load_here in (1.9, 18.2):  # this process is one of them
        monkeypatch.setattr(os, "getloadavg", lambda load_here=load_here: (load_here, 9.0, 9.0))
        parts.append(study_seconds(plan, 1.0, 0.0, 0, 8) - study_seconds(plan, 0.0, 0.0, 0, 8))
        named = "" if load_here < 2 else "17 other processes on 2 cores"
        assert pacing.busy_with_others().startswith(named)
        assert bool(pacing.busy_with_others()) == bool(named)
    trials = 8 * fake.EPOCHS / 2
    assert parts == pytest.approx([trials * BUSY, trials * BUSY_TIMED])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (48.0, "48 s"),
        (64.0, "64 s"),
        (92.0, "1 min 30 s"),
        (268.0, "4 min 30 s"),
        (660.0, "11 min"),
    ],
)
def test_rounding_does_not_take_a_quarter_of_a_forecast(seconds: float, text: str) -> None:
    assert budget.foretold(seconds) == text


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
