"""A trial's network as it trains: its batch norms, its device and its layout in memory."""

import torch

from trainables.config import TrialConfig
from trainables.data.dataset import Dataset
from trainables.losses.compose import needs_boundary_head
from trainables.networks.batch_norm import make_global
from trainables.networks.repeatable import make_repeatable
from trainables.networks.segmentation import Segmenter
from trainables.training.optimization import freeze_batch_norm


def network_of(config: TrialConfig, dataset: Dataset, device: torch.device) -> Segmenter:
    """The config's network with its initial weights, on the device."""
    head = needs_boundary_head(config.loss)
    tasks = config.task.of_network(dataset.num_classes, len(dataset.parts))
    network = Segmenter(config.model, dataset.num_classes, head, dataset.seen, tasks)
    make_global(network)
    if config.model.freeze_batch_norm:
        freeze_batch_norm(network)
    if config.optim.deterministic:
        make_repeatable(network)
    layout = torch.channels_last if config.optim.channels_last else torch.preserve_format
    return network.to(device).to(memory_format=layout)
