"""Learning rate schedules, by ``optim/schedule``: shares of the peak that depend on progress alone.

It imports no torch, so that a report can draw them.
"""

import math
from collections.abc import Callable

from trainables.config import OptimConfig

_ONE_CYCLE_WARMUP = 0.3
_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = 1e-5


def rate_factor(config: OptimConfig, step: int, total_steps: int) -> float:
    """The learning rate at a step as a share of its peak; it depends on the step alone."""
    return SCHEDULES[config.schedule](config, step, total_steps)


def _poly(config: OptimConfig, step: int, total_steps: int) -> float:
    """(1 - progress) ** poly_power, after a linear warm-up."""
    warm = min((step + 1) / max(config.warmup * total_steps, 1), 1.0)
    return warm * (1 - progress_at(step, total_steps)) ** config.poly_power


def _one_cycle(config: OptimConfig, step: int, total_steps: int) -> float:
    """Smith and Topin, 2019: cosine from 1/25 up to 1 in 30 % of the steps, cosine down to 1e-5."""
    progress = progress_at(step, total_steps)
    if progress < _ONE_CYCLE_WARMUP:
        return _cosine(_ONE_CYCLE_START, 1.0, progress / _ONE_CYCLE_WARMUP)
    return _cosine(1.0, _ONE_CYCLE_END, (progress - _ONE_CYCLE_WARMUP) / (1 - _ONE_CYCLE_WARMUP))


def _constant(config: OptimConfig, step: int, total_steps: int) -> float:
    return 1.0


def _cosine(begin: float, end: float, share: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2


def progress_at(step: int, total_steps: int) -> float:
    """The completed fraction of the optimiser steps, 0 .. 1."""
    return min(step / total_steps, 1.0)


SCHEDULES: dict[str, Callable[[OptimConfig, int, int], float]] = {
    "poly": _poly,
    "one_cycle": _one_cycle,
    "constant": _constant,
}
"""By name, from the config, a step and the number of steps. A plug-in adds its own."""
