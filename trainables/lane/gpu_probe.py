"""What a lane's steps take of a GPU, measured with nothing else of the study on it."""

import torch

from trainables.config import from_flat
from trainables.config.validation import Value
from trainables.data import Dataset
from trainables.plugin import Plugin, install
from trainables.stages.registry import untrained
from trainables.training.gpu_memory import CudaMeter
from trainables.training.gpu_need import GpuNeed, Recipe, measured


def probe(flat: dict[str, Value], dataset: Dataset, plugin: Plugin | None = None) -> GpuNeed:
    """Run a config's first steps on this process's first GPU.

    Args:
        flat: the config, by path.
        dataset: with at least a batch of training and of validation images.
        plugin: the user's own file that the trials run with.
    """
    if plugin is not None:
        install(plugin)
    config, device = from_flat(flat), torch.device("cuda")
    recipe = Recipe(config, dataset, untrained(config, dataset.num_classes))
    return measured(recipe, device, CudaMeter(device))
