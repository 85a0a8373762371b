"""Tune's trainable on a lane without Ray, when the lane dies or memory runs out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import ray
import torch

from tests.trainables.lane.test_lane import CONFIG, TRIAL, assert_epoch
from trainables.lane.failures import Failure
from trainables.lane.lane import LaneDied, LaneRestarted
from trainables.lane.mailbox import Command, LaneSettings
from trainables.lane.trial import Trial
from trainables.lane.tune_result import FailedTrial, from_tune
from trainables.lane.worker import Worker
from trainables.training import checkpoint


class HereLane:
    """A lane whose only rank is this process; ``plan`` maps the number of a call to its error."""

    plan: ClassVar[dict[int, Exception]] = {}
    calls = 0

    def __init__(self, settings: LaneSettings) -> None:
        self.name, self.worker = f"lane-{id(self)}", Worker(settings, torch.device("cpu"))

    def ask(self, command: Command[object]) -> object:
        HereLane.calls += 1
        error = HereLane.plan.pop(HereLane.calls, None)
        if isinstance(error, LaneDied | LaneRestarted):
            self.worker.drop()
            raise error
        if error is not None:
            failing = Worker(self.worker.settings, self.worker.device)
            failing.obey = lambda command: (_ for _ in ()).throw(error)  # type: ignore[method-assign]
            return failing.answer(command, alone=True)
        return self.worker.answer(command, alone=True)

    def close(self) -> None:
        pass


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Trial]:
    """A trainable whose lane is this process."""
    monkeypatch.setattr("trainables.lane.trial.Lane", HereLane)
    for name in ("put", "get"):
        monkeypatch.setattr(ray, name, lambda value: value)
    HereLane.plan, HereLane.calls = {}, 0
    trial = Trial.__new__(Trial)
    settings = LaneSettings(1, 1, 0, "", str(tmp_path / "stages"), str(tmp_path), on_oom="halve")
    trial.setup(TRIAL, settings)
    yield trial
    trial.idle_timer.stop()


def newest(tmp_path: Path) -> checkpoint.Checkpoint:
    saved = checkpoint.latest([tmp_path / "trial-0000"])
    assert saved is not None
    return saved


def failure_of(result: dict[str, object]) -> Failure:
    report = from_tune(result)
    assert isinstance(report, FailedTrial)
    assert result["done"]
    return report.failure


def test_an_epoch_is_saved_before_it_is_reported(here: Trial, tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        assert_epoch(result := here.step(), epoch)
        saved = newest(tmp_path)
        assert (saved.epoch, saved.changes, saved.result) == (epoch, {}, result)
    assert len(list((tmp_path / "trial-0000").glob("checkpoint_*"))) == 2


def test_an_actor_in_place_of_a_dead_one_reports_the_last_epoch_again(here: Trial) -> None:
    here.step()
    last = here.step()
    here.reset_config(TRIAL)
    calls = HereLane.calls
    assert here.step() == last
    assert HereLane.calls == calls
    assert_epoch(here.step(), 3)


@pytest.mark.parametrize("lost", [LaneDied("killed"), LaneRestarted("lane", "")])
@pytest.mark.parametrize("call", [4, *(pytest.param(n, marks=pytest.mark.slow) for n in (5, 6))])
def test_a_lane_lost_at_any_call_costs_one_epoch(
    here: Trial, tmp_path: Path, lost: Exception, call: int
) -> None:
    """Calls: start, epoch, save, epoch, save, epoch."""
    HereLane.plan = {call: lost}
    for epoch in (1, 2, 3):
        assert_epoch(here.step(), epoch)
        assert newest(tmp_path).epoch == epoch
    assert not HereLane.plan


def test_out_of_memory_restarts_with_a_smaller_batch_once_and_then_fails(
    here: Trial, tmp_path: Path
) -> None:
    short = torch.OutOfMemoryError("CUDA out of memory")
    HereLane.plan = {4: short}
    assert_epoch(here.step(), 1)
    again = here.step()
    assert again["epoch"] == newest(tmp_path).epoch == 1
    assert again["changes"] == {"batch": CONFIG.batch // 2, "optim/accumulate": 2}
    assert isinstance(here.lane, HereLane)
    assert len(here.lane.worker.training._groups(1)) == 2  # as many steps as before
    HereLane.plan = {HereLane.calls + 1: short}
    assert failure_of(here.step()).kind == "memory"


def test_a_worker_that_ray_killed_for_memory_is_a_memory_failure(here: Trial) -> None:
    here.settings = replace(here.settings, on_oom="fail")
    HereLane.plan = {2: LaneRestarted("lane", "killed: the node ran low on memory")}
    assert failure_of(here.step()).kind == "memory"


def test_worker_groups_that_die_repeatedly_are_the_trials_fault(here: Trial) -> None:
    HereLane.plan = {call: LaneDied("killed") for call in range(1, 20)}
    failure = failure_of(here.step())
    assert failure.kind == "lane"
    assert "5 worker groups died in epoch 1" in failure.message


@pytest.mark.parametrize(
    ("field", "killed_after"),
    [
        ({"eval/checkpoint": "best"}, 2),
        *(
            pytest.param({"eval/checkpoint": "best"}, epoch, marks=pytest.mark.slow)
            for epoch in (1, 3, 4)
        ),
        ({"eval/both_checkpoints": True}, 3),
    ],
)
def test_the_best_network_is_the_same_whether_interrupted_or_not(
    here: Trial, tmp_path: Path, field: dict[str, object], killed_after: int
) -> None:
    """``train/loss`` falls, so that its largest value is the first epoch's."""
    config = {**TRIAL["config"], **field, "epochs": 5}  # type: ignore[dict-item]
    spec = {**TRIAL, "config": config}
    objective = ("train/loss", "max")

    def attempt(name: str, start: dict[str, object], epochs: int) -> dict[int, bytes]:
        folder = tmp_path / name
        here.settings = replace(here.settings, checkpoints=str(folder), objective=objective)
        here.reset_config(start)
        here.started = False
        for _ in range(epochs):
            here.step()
        found = [checkpoint.read(path) for path in folder.glob("trial-0000/checkpoint_*")]
        assert len(found) <= 3
        return {saved.epoch: saved.state() for saved in found}

    whole = attempt("whole", spec, 5)
    assert set(whole) == {1, 4, 5}
    attempt("first", spec, killed_after)
    last = checkpoint.latest([tmp_path / "first" / "trial-0000"])
    assert last is not None
    attempt("second", {**spec, "resume_from": str(last.folder)}, 5 - killed_after)
    folders = [tmp_path / name / "trial-0000" for name in ("first", "second")]
    assert checkpoint.of_epoch(folders, 1).state() == whole[1]
    assert checkpoint.of_epoch(folders, 5).state() == whole[5]
