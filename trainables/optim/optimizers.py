"""The optimisers, by ``optim/optimizer``: each a function of parameter groups and the config."""

from collections.abc import Callable

import torch

from trainables.config import OptimConfig

Groups = list[dict[str, object]]
"""Parameter groups as torch takes them: ``params`` and ``lr`` of each."""


def _adamw(groups: Groups, config: OptimConfig) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, config.lr, weight_decay=config.weight_decay)


def _sgd(groups: Groups, config: OptimConfig) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        groups, config.lr, momentum=config.momentum, weight_decay=config.weight_decay
    )


OPTIMIZERS: dict[str, Callable[[Groups, OptimConfig], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "sgd": _sgd,
}
"""A plug-in adds its own (``trainables/plugin.py``)."""
