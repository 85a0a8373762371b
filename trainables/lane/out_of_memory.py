"""What a rank says of a trial that ran out of memory: the batch that would fit."""

from dataclasses import dataclass, replace

import torch

from trainables.config import TrialConfig, flatten
from trainables.data import Dataset
from trainables.lane.failures import Failure
from trainables.losses.batch import Learned
from trainables.training.batch_fit import largest_batch, short_on_cpu, size_of, too_large
from trainables.training.gpu_memory import CudaMeter, Meter, peak_of


@dataclass(frozen=True)
class Recipe:
    """What a trial's training is built from."""

    config: TrialConfig
    dataset: Dataset
    learned: Learned


def explained(failure: Failure, recipe: Recipe, device: torch.device, *, alone: bool) -> Failure:
    """The failure with a first line about the batch.

    Args:
        alone: no other rank waits and the trial's memory is free, so that steps can be tried.
    """
    flat = flatten(recipe.config)
    if device.type != "cuda":
        line = short_on_cpu(flat)
    elif alone:
        line = from_tried_steps(recipe, device, CudaMeter(device))
    else:
        line = _untried(recipe, "the other ranks wait")
    return replace(failure, message=f"{line}\n{failure.message}")


def from_tried_steps(recipe: Recipe, device: torch.device, meter: Meter) -> str:
    """What a trial's batch needs and the largest that fits, from steps that are tried."""
    config, dataset = recipe.config, recipe.dataset

    def peak(batch: int) -> int | None:
        smaller = config.changed({"batch": batch})
        return peak_of(smaller, dataset, recipe.learned, device, meter)

    try:
        limit = meter.limit()
        fit = largest_batch(peak, min(config.batch, len(dataset.splits["train"])), limit)
    except Exception as error:  # the trial has failed for its memory, and the study goes on
        return _untried(recipe, f"that raised {type(error).__name__}")
    return too_large(config.batch, size_of(flatten(config)), fit, limit)


def _untried(recipe: Recipe, why: str) -> str:
    config = recipe.config
    return (
        f"batch {config.batch} of {size_of(flatten(config))} does not fit into the GPU's memory; "
        f"smaller ones were not tried, since {why}"
    )
