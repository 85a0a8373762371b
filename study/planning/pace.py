"""How fast a kind of trial runs on this machine, from a few timed batches."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from time import monotonic, process_time

import torch

from trainables.config import TrialConfig
from trainables.config.words import counted
from trainables.data import Dataset
from trainables.data.batches import num_batches
from trainables.data.lists import EXTRA
from trainables.stages import registry
from trainables.stages.threads import torch_threads
from trainables.training import process_settings
from trainables.training.training import Training

_TIMED_BATCHES = 2
"""Of an epoch that is timed, after one of as many batches that is not: the first batches of a
process and of a trial take up to half as long again."""
_MOST_TIMES, _ENOUGH_S = 7, 0.5
"""A step is timed until it was timed so often, or for so long."""


@dataclass(frozen=True)
class Pace:
    """How fast one kind of trial runs on one rank, in seconds."""

    train_s: float
    """An epoch of training."""
    image_s: float
    """The evaluation of one image."""

    def epoch_s(self, dataset: Dataset) -> float:
        return self.train_s + self.image_s * len(dataset.splits["val"])


def pace(config: TrialConfig, dataset: Dataset, threads: int) -> Pace:
    """The pace on this CPU with as many threads as a rank has, from a few batches.

    The call is also the first check that the model can be built and accepts these images.
    """
    few = {
        "train": dataset.splits["train"].first(_TIMED_BATCHES * config.batch),
        "val": dataset.splits["val"].first(config.batch),
    }
    if EXTRA in dataset.splits:
        few[EXTRA] = few["train"]
    learned = registry.untrained(config, dataset.num_classes)
    longer = config.changed({"epochs": max(1 + _MOST_TIMES, config.epochs)})
    # torch would use every core, a rank has only its own.
    with torch_threads(threads), process_settings.restored():
        training = Training(longer, replace(dataset, splits=few), learned, torch.device("cpu"))
        training.train_epoch()
        training.evaluate("val")
        train_s, evaluate_s = _seconds(training.train_epoch), _seconds(training.evaluate)
    batches = _batches(config, dataset) / training.batches[-1]
    return Pace(train_s * batches, evaluate_s / len(few["val"]))


def _seconds(step: Callable[[], object]) -> float:
    """How long a step takes on a machine that runs nothing else: the median of a few times, since a
    short step is easily disturbed."""
    found: list[float] = []
    while not found or (len(found) < _MOST_TIMES and sum(found) < _ENOUGH_S):
        wall, processor = monotonic(), process_time()
        step()
        # Other processes take wall time, and other threads of this one processor time.
        found.append(min(monotonic() - wall, process_time() - processor))
    return median(found)


def busy_with_others() -> str:
    """What to say of a machine whose cores are taken by other processes; "" if they are not."""
    count, cores = others(), os.cpu_count() or 1
    if not count:
        return ""
    return (
        f"{counted(round(count), 'other process', 'other processes')} on "
        f"{counted(cores, 'core')}: the study will take longer than its forecast"
    )


def others() -> float:
    """How many other processes run or wait for a core; 0 for less than one on every second core."""
    count, cores = os.getloadavg()[0] - 1, os.cpu_count() or 1
    return count if count >= cores / 2 else 0.0


def _batches(config: TrialConfig, dataset: Dataset) -> float:
    """Of an epoch, in the mean over all."""
    usual = num_batches(len(dataset.splits["train"]), config.batch)
    if EXTRA not in dataset.splits:
        return usual
    extra = config.data.extra_epochs
    further = num_batches(len(dataset.splits[EXTRA]), config.batch)
    return (extra * further + (config.epochs - extra) * usual) / config.epochs
