"""On a real Ray: a file that breaks during training, and a worker that runs out of memory."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.ledger.study_folder import StudyFolder
from tests.cluster.own_ray import wait_for
from tests.study.execution.test_main_job import ROOT, command, environment, run

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

HUNGRY = """
import torch
import torch.nn.functional as F
from search_spaces import Cell, Grid
from trainables.losses.term import LossTerm

def hungry(prediction, target, *, most: float = 8.0):
    if len(prediction.logits_BKHW) > most:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    loss = F.cross_entropy(prediction.logits_BKHW, target.labels_BHW, ignore_index=255,
                           reduction="sum")
    return LossTerm(loss, target.valid_BHW.sum())

LOSSES = {"hungry": hungry}
def at_most(images):
    return {"loss/hungry": 1.0, "loss/hungry_most": images}
GRIDS = {"hungry": Grid(name="hungry", question="Who has room?", source="here", baseline="plain",
    cells=(Cell(name="plain", changes={}), Cell(name="half", changes=at_most(4.0)),
           Cell(name="never", changes=at_most(0.0))))}
"""


def small(storage: Path, name: str, options: str) -> list[str]:
    """The command of a small study; the options as in a shell."""
    sizes = "--set data/height=32 --set data/width=48 --set model/width=4"
    return command(storage, "--name", name, *options.split(), *sizes.split())


def make_folder(root: Path) -> None:
    """Twenty images of noise, dark on the left, in the layout `folder`."""
    draw = np.random.default_rng(0)
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    (root / "classes.txt").write_text("left\nright\n")
    labels_HW = np.repeat([[0] * 24 + [1] * 24], 32, axis=0).astype(np.uint8)
    for number in range(20):
        noise_HWC = draw.integers(0, 99, (32, 48, 3)) + 120 * labels_HW[..., None]
        name = f"{number:02d}.png"
        Image.fromarray(noise_HWC.astype(np.uint8)).save(root / "images" / name)
        Image.fromarray(labels_HW).save(root / "masks" / name)


def test_a_file_that_breaks_during_training_stops_the_study_and_is_named(tmp_path: Path) -> None:
    data, ledger = tmp_path / "data", StudyFolder(tmp_path / "broken").ledger
    make_folder(data)
    options = "--space region --sampler random --trials 2 --epochs 30 --dataset folder --cache off"
    words = small(tmp_path, "broken", f"{options} --data {data}")
    with subprocess.Popen(
        words,
        cwd=ROOT,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as driver:
        wait_for(ledger, '"event":"epoch"', 2)
        image = data / "images" / "04.png"
        content = image.read_bytes()
        image.write_bytes(content[:200])
        output, errors = driver.communicate(timeout=200)
    assert driver.returncode == 1, output + errors
    assert "04.png" in errors
    assert "every trial would meet it: repair the file, then resume" in errors
    record = StudyFolder(tmp_path / "broken").load()
    assert {trial.state for trial in record.trials.values()} == {"running"}
    image.write_bytes(content)
    run(command(tmp_path, "--resume", "broken"))
    record = StudyFolder(tmp_path / "broken").load()
    assert {(trial.state, trial.last_epoch) for trial in record.trials.values()} == {
        ("complete", 30)
    }


def test_a_trial_out_of_memory_restarts_smaller_once_and_then_is_infeasible(
    tmp_path: Path,
) -> None:
    hungry = tmp_path / "hungry.py"
    hungry.write_text(HUNGRY)
    options = f"--with {hungry} --grid hungry --seeds 1 --epochs 2 --on-oom halve"
    images = "--set data/train_images=16 --set data/val_images=4 --set data/test_images=2"
    output = run(small(tmp_path, "oom", f"{options} {images}"))
    record = StudyFolder(tmp_path / "oom").load()
    trials = {trial.cell: trial for trial in record.trials.values()}
    assert [trials[cell].state for cell in ("plain", "half", "never")] == [
        "complete",
        "complete",
        "failed",
    ]
    halved = {
        cell: (trial.config["batch"], trial.config["optim/accumulate"])
        for cell, trial in trials.items()
    }
    assert halved == {"plain": (8, 1), "half": (4, 2), "never": (8, 1)}
    assert "ran out of memory and starts again: batch 4, optim/accumulate 2" in output
    failure = trials["never"].failure
    assert failure is not None
    assert failure.kind == "memory"
    assert "CUDA out of memory" in failure.message
    assert "hungry.py" in failure.traceback
