"""Trials are measured once on the test list: a search's winner, and every whole trial of a grid."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import ray
import torch

from study.trial_record import TrialRecord
from trainables.checkpoint import Checkpoint
from trainables.config import from_flat
from trainables.data import Dataset
from trainables.losses.compose import Learned
from trainables.metrics import counts_file
from trainables.parts import Parts, install
from trainables.training import Training


class Measured(NamedTuple):
    """What a checkpoint comes to on the test list."""

    metrics: dict[str, float]
    """Named ``test_...``."""
    counts: bytes
    """Of every image: the content of a counts file."""


def measure(
    config: dict[str, Any], state: bytes, dataset: Dataset, device: str, parts: Parts | None
) -> Measured:
    """A checkpoint over the whole test list."""
    if parts is not None:
        install(parts)
    training = Training(from_flat(config), dataset, Learned(), torch.device(device))
    training.load(state)
    found = training.evaluate("test")
    counts = counts_file.pack(found.counts, list(dataset.splits["test"].names))
    return Measured({f"test_{name}": value for name, value in found.metrics.items()}, counts)


def measure_on_cluster(
    trials: Sequence[tuple[TrialRecord, Checkpoint]], dataset: Any, cpus: float, gpus: float,
    at_once: int, parts: Parts | None = None,
) -> Iterator[tuple[TrialRecord, Measured]]:  # fmt: skip
    """``measure`` where a lane's worker would run, several at once, each as soon as it is done.

    ``dataset`` is a reference in the store. A state is read when its turn comes: ``at_once`` of
    them are in memory.
    """
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus)(measure)
    device = "cuda" if gpus else "cpu"
    left = list(reversed(trials))
    running: dict[Any, TrialRecord] = {}
    while left or running:
        while left and len(running) < at_once:
            trial, checkpoint = left.pop()
            config = {**trial.config, "model/weights": "none"}  # the checkpoint has them
            running[remote.remote(config, checkpoint.state(), dataset, device, parts)] = trial
        done, _ = ray.wait(list(running))
        yield running.pop(done[0]), ray.get(done[0])
