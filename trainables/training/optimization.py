"""How weights are updated: parameter groups, optimiser, learning rate, average."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from trainables.config import OptimConfig, Value
from trainables.config.plugin_fields import PLUGIN
from trainables.networks.segmentation import Segmenter
from trainables.optim.optimizers import OPTIMIZERS, Groups

_BACKBONES = ("backbone", "encoder")
AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def parameter_groups(config: OptimConfig, network: Segmenter) -> Groups:
    """The backbone at ``lr``, the rest at ``lr * head_lr``; frozen parameters are left out."""
    backbone: list[Tensor] = []
    head: list[Tensor] = []
    for path, parameter in network.named_parameters():
        if parameter.requires_grad:
            (backbone if _is_backbone(path) else head).append(parameter)
    if config.head_lr == 1:
        return [{"params": [*backbone, *head], "lr": config.lr}]
    groups = [
        {"params": backbone, "lr": config.lr},
        {"params": head, "lr": config.lr * config.head_lr},
    ]
    return [group for group in groups if group["params"]]


def _is_backbone(path: str) -> bool:
    return any(part in _BACKBONES for part in path.split("."))


def make_optimizer(
    config: OptimConfig, network: Segmenter, further: Tensor | None = None
) -> torch.optim.Optimizer:
    """The config's optimiser of the network's parameters that learn.

    Args:
        config: the section ``optim``.
        network: the trial's.
        further: a parameter outside of it, which learns at the heads' rate and does not decay.
    """
    groups = parameter_groups(config, network)
    if further is not None:
        # First, as the last group is the heads'.
        rate = config.lr * config.head_lr
        groups.insert(0, {"params": [further], "lr": rate, "weight_decay": 0.0})
    return OPTIMIZERS[config.optimizer](groups, config)


def held_settings(config: OptimConfig, optimizer: torch.optim.Optimizer) -> dict[str, Value]:
    """By config path, what the optimiser itself holds: also after a resume, not what was requested.

    The learning rate is the peak of the last group, the heads', without their multiple.
    """
    group = optimizer.param_groups[-1]
    own = config.optimizer in PLUGIN.optimizers  # its class may have any name
    held: dict[str, Value] = {
        "optim/optimizer": config.optimizer if own else type(optimizer).__name__.lower(),
        "optim/lr": float(group["initial_lr"]) / config.head_lr,
    }
    known = [name for name in ("weight_decay", "momentum") if name in group]
    fused = {"optim/fused": bool(group["fused"])} if "fused" in group else {}
    return held | {f"optim/{name}": float(group[name]) for name in known} | fused


def freeze_batch_norm(network: nn.Module) -> None:
    """Fix the statistics and weights of every batch norm. Call it after every ``train()``."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
            module.eval()
            module.requires_grad_(False)


def make_average(config: OptimConfig, network: Segmenter) -> AveragedModel | None:
    """An exponential moving average of the weights, with the network's latest buffers.

    None if the config has no decay.
    """
    if not config.ema:
        return None
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
    # At 0 the first update would copy the network, and the average would not hold its start.
    average.n_averaged.fill_(1)
    return average.requires_grad_(False)


def groups_of(batches: int, size: int) -> list[int]:
    """How many batches each step of an epoch has; the last step takes what is left."""
    return [min(size, batches - start) for start in range(0, batches, size)]
