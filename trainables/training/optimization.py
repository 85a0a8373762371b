"""How weights are updated: parameter groups, optimiser, learning rate, average."""

import math

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from trainables.config import OptimConfig, Value
from trainables.networks.segmentation import Segmenter

_BACKBONES = ("backbone", "encoder")
_ONE_CYCLE_WARMUP = 0.3
_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = 1e-5
AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def parameter_groups(config: OptimConfig, network: Segmenter) -> list[dict[str, object]]:
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


def make_optimizer(config: OptimConfig, network: Segmenter) -> torch.optim.Optimizer:
    groups = parameter_groups(config, network)
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups, config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(groups, config.lr, weight_decay=config.weight_decay)


def held_settings(config: OptimConfig, optimizer: torch.optim.Optimizer) -> dict[str, Value]:
    """By config path, what the optimiser itself holds: also after a resume, not what was requested.

    The learning rate is the peak of the last group, the heads', without their multiple.
    """
    group = optimizer.param_groups[-1]
    held: dict[str, Value] = {
        "optim/optimizer": type(optimizer).__name__.lower(),
        "optim/lr": float(group["initial_lr"]) / config.head_lr,
        "optim/weight_decay": float(group["weight_decay"]),
    }
    return held | ({"optim/momentum": float(group["momentum"])} if "momentum" in group else {})


def rate_factor(config: OptimConfig, step: int, total_steps: int) -> float:
    """The learning rate at a step as a share of its peak; it depends on the step alone.

    ``poly``: (1 - progress) ** poly_power, after a linear warm-up. ``one_cycle`` (Smith and Topin,
    2019): cosine from 1/25 up to 1 in 30 % of the steps, cosine down to 1e-5.
    """
    progress = min(step / total_steps, 1.0)
    if config.schedule == "poly":
        warm = min((step + 1) / max(config.warmup * total_steps, 1), 1.0)
        return warm * (1 - progress) ** config.poly_power
    if config.schedule == "constant":
        return 1.0
    if progress < _ONE_CYCLE_WARMUP:
        return _cosine(_ONE_CYCLE_START, 1.0, progress / _ONE_CYCLE_WARMUP)
    return _cosine(1.0, _ONE_CYCLE_END, (progress - _ONE_CYCLE_WARMUP) / (1 - _ONE_CYCLE_WARMUP))


def _cosine(begin: float, end: float, share: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2


def freeze_batch_norm(network: nn.Module) -> None:
    """Fix the statistics and weights of every batch norm. Call it after every ``train()``."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
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
