"""A trained stage in memory."""

from dataclasses import dataclass

from torch import nn

from trainables.config import TrialConfig


@dataclass(frozen=True)
class StageNetwork:
    """A frozen network, and the config that it was trained with."""

    kind: str
    network: nn.Module
    config: TrialConfig
    """Its fields outside ``registry.deciding_paths`` are defaults."""
    classes: int
    """Of the masks that it was trained on; ``edge_net`` fits no other number."""
