"""Trials are measured once on the test list: a search's winner, and every whole trial of a grid."""

from collections.abc import Iterator, Sequence
from typing import Any

import ray

from study.ledger.record import TrialRecord
from trainables.plugin import Plugin
from trainables.training.checkpoint import Checkpoint
from trainables.training.restore import Measured, measure


def measure_on_cluster(
    trials: Sequence[tuple[TrialRecord, Checkpoint]],
    dataset: Any,
    cpus: float,
    gpus: float,
    at_once: int,
    parts: Plugin | None = None,
) -> Iterator[tuple[TrialRecord, Measured]]:
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
