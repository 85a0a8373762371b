"""The disk that a study's checkpoints need: told in the plan, and refused where it is not there."""

import os
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study.commands.run import main
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning.disk import CheckpointBytes, checkpoint_bytes, disk_need
from tests.study import fake, fake_grid
from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

SMALL = {
    "batch": 2,
    "data/height": 32,
    "data/width": 32,
    "data/train_images": 2,
    "data/val_images": 2,
    "data/test_images": 1,
    "epochs": 2,
}
Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    "changes",
    [
        {"model/network": "tiny"},
        {"model/network": "tiny", "optim/optimizer": "sgd"},
        {"model/network": "tiny", "optim/ema": 0.9, "loss/beta": 1.0},
        {"model/network": "fpn"},
    ],
    ids=str,
)
def test_the_sizes_are_those_of_real_checkpoints(changes: dict[str, str | float]) -> None:
    config = TrialConfig().changed({**SMALL, **changes})
    data = load(config.data)
    training = Training(config, data, Learned(), torch.device("cpu"))
    real = []
    for _ in range(2):
        training.train_epoch()
        real.append(len(training.save()))
    told = checkpoint_bytes(config, data.num_classes)
    assert (told.running, told.ended) == pytest.approx(tuple(real), rel=0.05)


def sizes() -> CheckpointBytes:
    return checkpoint_bytes(TrialConfig(), 6)


def test_a_search_needs_its_lanes_the_best_network_and_the_model(tmp_path: Path) -> None:
    plan, each = fake.plan(tmp_path), sizes()
    need = disk_need(plan, fake.SPACE, 6, left=8)
    head = checkpoint_bytes(TrialConfig().changed({"loss/beta": 1.0}), 6)
    assert need.most in (
        2 * 3 * each.running + 2 * each.ended,
        2 * 3 * head.running + 2 * head.ended,
    )
    assert need.kept in (2 * each.ended, 2 * head.ended)
    more = disk_need(replace(plan, design=replace(plan.search, trials=1000)), fake.SPACE, 6, 1000)
    assert more.most == need.most, "trials that have ended leave nothing"


def test_a_grid_needs_every_network_that_is_still_to_be_measured(tmp_path: Path) -> None:
    plan, each = fake_grid.plan(tmp_path), sizes()
    need = disk_need(plan, fake.SPACE, 6, left=12)
    assert need.most == 2 * 3 * each.running + 13 * each.ended
    assert need.kept == 5 * each.ended
    some = disk_need(plan, fake.SPACE, 6, left=1)
    assert some.most == 3 * each.running + 2 * each.ended


def test_what_is_on_the_disk_already_is_not_needed_again(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    before = disk_need(plan, fake.SPACE, 6, left=12).most
    state = StudyFolder.of(plan).tune / "attempt-1" / "trial-0000" / "checkpoint_000001/state.pt"
    state.parent.mkdir(parents=True)
    state.write_bytes(bytes(1000))
    assert disk_need(plan, fake.SPACE, 6, left=12).most == before - 1000


def test_the_largest_network_of_a_grid_decides(tmp_path: Path) -> None:
    cells = list(fake_grid.GRID.cells)
    cells[1] = replace(cells[1], changes={"model/network": "fpn"})
    plan: Plan = fake_grid.plan(tmp_path, grid=replace(fake_grid.GRID, cells=tuple(cells)))
    fpn = checkpoint_bytes(TrialConfig().changed({"model/network": "fpn"}), 6)
    assert disk_need(plan, fake.SPACE, 6, left=1).most == 3 * fpn.running + 2 * fpn.ended


def small(storage: Path) -> list[str]:
    sets = [word for path, value in SMALL.items() for word in ("--set", f"{path}={value}")]
    epochs = sets.index("epochs=2")
    del sets[epochs - 1 : epochs + 1]
    where = ["--storage", str(storage), "--tracking-uri", f"sqlite:///{storage}/m.db"]
    network = ("--set", "model/network=fpn", "--cells", "lovasz")  # one kind of trial to forecast
    return ["--space", "all_losses", "--dry-run", *sets, *network, *where]


def test_a_disk_that_cannot_hold_it_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = shutil.disk_usage
    full = Usage(10**9, 10**9 - 2 * 10**7, 2 * 10**7)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: full if tmp_path == Path(path) else real(path)
    )
    assert main(small(tmp_path)) == 2
    output = capsys.readouterr()
    assert "checkpoints take up to" in output.out
    assert "20.0 MB are free" in output.out
    (line,) = output.err.splitlines()
    assert "0.020 GB are free in " + str(tmp_path) in line
    assert "disk: checkpoints need 0." in line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 30 MB."""
    made = tmp_path / "small"
    made.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(made)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield made
    subprocess.run(["umount", str(made)], check=True)


@pytest.mark.slow
def test_a_real_small_disk_is_refused(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(small(small_disk)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("study/run.py: 1 of ")
    assert str(small_disk) in line
