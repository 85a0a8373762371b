"""Forecasts how long a study will take, from a few timed batches of its slowest config."""

import math
from dataclasses import replace
from time import monotonic

import torch

from study.ledger.plan import Plan
from trainables.config import TrialConfig
from trainables.data import Dataset, ImageList
from trainables.data.batches import num_batches
from trainables.stages.registry import untrained
from trainables.stages.threads import torch_threads
from trainables.training.training import Training

LANE_START_S = 20.0
"""Ray Train's start of a worker group on a laptop (docs/log.md)."""
STAGE_S = 15.0
"""A stage at tile 32 on one core (docs/log.md)."""
_TIMED_BATCHES = 3


def epoch_seconds(config: TrialConfig, dataset: Dataset, threads: int) -> float:
    """Seconds of one epoch with its evaluation, extrapolated from a few batches on this CPU.

    ``threads``: as many as a rank has. The call is also the first check that the model can be built
    and accepts these images.
    """
    few = {
        "train": _first(dataset.splits["train"], _TIMED_BATCHES * config.batch),
        "val": _first(dataset.splits["val"], config.batch),
    }
    learned = untrained(config, dataset.num_classes)
    training = Training(config, replace(dataset, splits=few), learned, torch.device("cpu"))
    with torch_threads(threads):  # torch would use every core, a rank has only its own
        begin = monotonic()
        training.train_epoch()
        middle = monotonic()
        training.evaluate("val")
        end = monotonic()
    images = {split: len(part) for split, part in dataset.splits.items()}
    batches = num_batches(images["train"], config.batch) / training.steps
    return (middle - begin) * batches + (end - middle) * images["val"] / len(few["val"])


def forecast(config: TrialConfig, dataset: Dataset, threads: int) -> tuple[float, str]:
    """``epoch_seconds`` and "", or NaN and the reason: code that raises fails trials, not the plan.

    Raises:
        ValueError: the config or the data is at fault, which the user can fix.
    """
    try:
        return epoch_seconds(config, dataset, threads), ""
    except ValueError:
        raise
    except Exception as error:
        message = (str(error).splitlines() or [""])[0]
        return math.nan, f"none: its first step raised {type(error).__name__}: {message}"


def _first(images: ImageList, count: int) -> ImageList:
    return ImageList(images.images_NHWC[:count], images.labels_NHW[:count], images.names[:count])


def study_seconds(plan: Plan, epoch_s: float, stages: int, trials_left: int) -> float:
    """Seconds from the start to the ranking if no trial is pruned and ``stages`` are trained."""
    return (
        LANE_START_S
        + stages * STAGE_S / plan.lanes
        + trials_left * plan.epochs * epoch_s / (plan.lanes * plan.workers)
    )
