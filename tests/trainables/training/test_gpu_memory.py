"""A lane's share of a GPU and what steps take of it, without a GPU."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from trainables.config import TrialConfig, flatten
from trainables.data import load
from trainables.lane.failures import Failure, FailureKind
from trainables.lane.mailbox import LaneSettings, Start
from trainables.lane.out_of_memory import explained
from trainables.lane.worker import Worker
from trainables.losses.batch import Learned
from trainables.training import gpu_memory
from trainables.training.batch_fit import GIB, MIB
from trainables.training.gpu_memory import keep_to_share, pool_share
from trainables.training.gpu_need import Recipe, from_tried_steps, measured

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
CONFIG = TrialConfig().changed(
    {
        "data/height": 16,
        "data/width": 16,
        "data/train_images": 8,
        "data/val_images": 2,
        "data/test_images": 1,
        "batch": 8,
        "model/width": 4,
    }
)


class Fixed:
    """A meter on which a step takes a GiB, and a GiB for each image, of ``room``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room, self.last = room, 0
        monkeypatch.setattr(gpu_memory, "Training", self._training)

    def _training(self, config: TrialConfig, *given: object) -> "Fixed":
        self.last = (1 + config.batch) * GIB
        if self.last > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self

    def train_epoch(self) -> None: ...
    def evaluate(self, split: str) -> None: ...
    def restart(self) -> None: ...

    def peak(self) -> int:
        return self.last

    def limit(self) -> int:
        return self.room


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The fractions that were set, on a GPU of 80 GiB."""
    found: list[float] = []
    monkeypatch.setattr("trainables.lane.worker.gauge_of", lambda *given: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (80 * GIB, 80 * GIB))
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda share, device: found.append(share)
    )
    return found


def test_a_rank_keeps_to_its_share_less_its_context(limits: list[float], tmp_path: Path) -> None:
    for share, context in ((0.25, 1024.0), (0.5, 2048.0), (1.0, 1024.0)):
        settings = LaneSettings(
            workers=1,
            cpus_per_worker=1,
            gpus_per_worker=share,
            storage="",
            stages=str(tmp_path),
            gpu_context_mib=context,
        )
        Worker(settings, CUDA)
    assert limits == [pytest.approx(0.25 - 1 / 80), pytest.approx(0.5 - 2 / 80)]


def test_a_cpu_and_a_whole_gpu_have_no_limit(limits: list[float]) -> None:
    keep_to_share(CPU, 0.25)
    keep_to_share(CUDA, 1.0)
    keep_to_share(CUDA, 0.0)
    assert not limits


def test_pools_and_contexts_of_all_lanes_fit_into_the_gpu() -> None:
    for lanes in (2, 3, 7, 16):
        pool = pool_share(1 / lanes, 80 * GIB, 600 * MIB) * 80 * GIB
        assert lanes * (pool + 600 * MIB) <= 80 * GIB * (1 + 1e-9)
    assert pool_share(0.1, 5 * GIB, 600 * MIB) == 0.05, "a small slice keeps half of its share"


def test_a_gpu_s_out_of_memory_names_the_batch_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(CONFIG, load(CONFIG.data), Learned())
    line = from_tried_steps(recipe, CPU, Fixed(monkeypatch, 6 * GIB))
    assert line == (
        "batch 8 of 16x16 needs about 9.0 GiB of 6.0 GiB of GPU memory; batch 5 fits (6.0 GiB, "
        "measured)"
    )
    need = measured(recipe, CPU, Fixed(monkeypatch, 6 * GIB))
    assert (need.refused, need.peak) == (line, 0)
    fits = measured(recipe, CPU, Fixed(monkeypatch, 9 * GIB))
    assert (fits.refused, fits.peak) == ("", 9 * GIB)


def test_a_fault_of_the_trial_is_no_missing_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(CONFIG, load(CONFIG.data), Learned())
    meter = Fixed(monkeypatch, 6 * GIB)
    monkeypatch.setattr(meter, "train_epoch", lambda: 1 / 0)
    assert from_tried_steps(recipe, CPU, meter).endswith("since that raised ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        measured(replace(recipe, config=CONFIG.changed({"batch": 2})), CPU, meter)


def test_ranks_that_wait_leave_smaller_batches_untried() -> None:
    recipe = Recipe(CONFIG, load(CONFIG.data), Learned())
    failure = Failure(FailureKind.MEMORY, "CUDA out of memory.")
    found = explained(failure, recipe, CUDA, alone=False).message.splitlines()
    assert "not tried, since the other ranks wait" in found[0]
    assert found[1] == "CUDA out of memory."


def test_a_rank_s_failure_names_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LaneSettings(
        workers=1, cpus_per_worker=1, gpus_per_worker=0, storage="", stages=str(tmp_path)
    )
    worker, flat = Worker(settings, CPU), flatten(CONFIG)

    def short(*given: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    monkeypatch.setattr("trainables.lane.worker.Training", short)
    answer = worker.answer(Start(flat), alone=True)
    assert isinstance(answer, Failure)
    assert answer.kind == FailureKind.MEMORY
    assert answer.first_line.startswith("batch 8 of 16x16 did not fit into the machine's memory")
    # The next trial fails before its own batch is known.
    monkeypatch.setattr(worker, "dataset", short)
    early = worker.answer(Start({**flat, "batch": 99}), alone=True)
    assert isinstance(early, Failure)
    assert early.kind == FailureKind.MEMORY
    assert "batch" not in early.message
