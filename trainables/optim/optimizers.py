"""The optimisers, by ``optim/optimizer``: each a function of parameter groups and the config."""

from collections.abc import Callable

import torch

from trainables.config import OptimConfig

Groups = list[dict[str, object]]
"""Parameter groups as torch takes them: ``params`` and ``lr`` of each."""


def _adamw(groups: Groups, config: OptimConfig) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        groups, config.lr, weight_decay=config.weight_decay, fused=_fused(config)
    )


def _sgd(groups: Groups, config: OptimConfig) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        groups,
        config.lr,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        fused=_fused(config),
    )


def _fused(config: OptimConfig) -> bool | None:
    """None lets torch choose among its other forms, as it did before there was the field."""
    return config.fused or None


OPTIMIZERS: dict[str, Callable[[Groups, OptimConfig], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "sgd": _sgd,
}
"""A plug-in adds its own (``trainables/plugin.py``)."""


def stored_per_weight(config: OptimConfig) -> float:
    """The numbers that the config's optimiser stores beside each weight, such as its moments,
    measured on a square of weights; single numbers, such as a count of steps, are left out."""
    weight = torch.ones(64, 64, requires_grad=True)
    optimizer = OPTIMIZERS[config.optimizer]([{"params": [weight], "lr": config.lr}], config)
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    state = optimizer.state_dict()["state"].values()
    tensors = [value for each in state for value in each.values() if torch.is_tensor(value)]
    return sum(each.numel() for each in tensors if each.ndim) / weight.numel()
