"""What a rank says of a trial that ran out of memory: the batch that would fit."""

from dataclasses import replace

import torch

from trainables.config import flatten
from trainables.lane.failures import Failure
from trainables.training.batch_fit import short_on_cpu
from trainables.training.gpu_memory import CudaMeter
from trainables.training.gpu_need import Recipe, from_tried_steps, untried


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
        line = untried(recipe, "the other ranks wait")
    return replace(failure, message=f"{line}\n{failure.message}")
