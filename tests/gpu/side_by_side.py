"""How many trainings an hour one device does with several processes on it."""

import sys
import time
from subprocess import PIPE, Popen

import torch

from tests.gpu import scale
from tests.gpu.steps import VARIANTS
from tests.gpu.table import Lines, not_measured, timed
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

CHECK = "processes on one device"
_EPOCHS = 20
"""Of the training that is counted: 64 small images an epoch."""


def lines(device: torch.device) -> Lines:
    if device.type == "cpu":
        yield not_measured(CHECK, "1, 2, 4, 8 processes", "needs a GPU")
        return
    size, alone = scale.of(device), 0.0
    for count in size.processes:
        rate = _trainings_an_hour(count, size.seconds, device)
        alone = alone or rate
        text = f"{rate:.0f} trainings of {_EPOCHS} epochs an hour, {rate / alone:.2f} times one's"
        yield timed(CHECK, f"{count}", "no slower than one", text, rate >= alone, device)


def _trainings_an_hour(count: int, seconds: float, device: torch.device) -> float:
    command = [sys.executable, "-m", "tests.gpu.side_by_side", str(device), str(seconds)]
    started = [Popen(command, stdin=PIPE, stdout=PIPE, text=True) for _ in range(count)]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n", "a process failed"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    epochs = sum(int(one.communicate()[0]) for one in started)
    return epochs / _EPOCHS / seconds * 3600


def train(device: torch.device, seconds: float) -> int:
    """Epochs done in this time, from the moment that a line comes on standard input."""
    size = scale.REAL if device.type == "cuda" else scale.TOY
    changes = {**VARIANTS["bf16, channels last"], "epochs": 10_000}
    if device.type == "cuda":
        changes |= {"data/height": 120, "data/width": 160}
    config = scale.trial(size, size.networks[0], **changes)
    training = Training(config, load(config.data), Learned(), device)
    training.train_epoch()
    print("ready", flush=True)
    sys.stdin.readline()
    end, epochs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        training.train_epoch()
        epochs += 1
    return epochs


if __name__ == "__main__":
    print(train(torch.device(sys.argv[1]), float(sys.argv[2])))
