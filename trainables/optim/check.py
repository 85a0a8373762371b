"""A trial run of a plug-in's optimiser or schedule, before a study starts with it."""

import io
import math
from collections.abc import Callable

import torch
from torch import Tensor

from trainables.config import refused
from trainables.optim.optimizers import Groups

_STEPS = 3
_LR, _DECAY = 1e-2, 1e-4
_POINTS = 101
Build = Callable[[Groups, float, float], torch.optim.Optimizer]
"""From parameter groups, learning rate and weight decay; its own parameters are bound."""


def try_optimizer(build: Build) -> None:
    """Train two small groups of parameters for a few steps, and resume in the middle.

    Raises:
        ValueError: it is no ``torch.optim.Optimizer``, does not move a group or moves one to
            values that are not finite, does not step by its groups' ``lr``, which the schedule
            changes, or does not continue from its state as if it had never stopped.
    """
    weights, optimizer = _built(build)
    before = [weight.detach().clone() for weight in weights]
    for number in range(_STEPS):
        _step(weights, optimizer, number)
    for weight, old in zip(weights, before, strict=True):
        if not bool(weight.isfinite().all()):
            raise refused("a parameter", f"finite after {_STEPS} steps", weight.tolist())
        if torch.equal(weight, old):
            raise ValueError(
                f"must move every group's parameters: after {_STEPS} steps one is as before"
            )
    _require_resumes(build, weights, optimizer)
    _require_follows_rate(build)


def _built(build: Build) -> tuple[list[Tensor], torch.optim.Optimizer]:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(4, 3, generator=generator), torch.randn(5, generator=generator)]
    for weight in weights:
        weight.requires_grad_()
    groups: Groups = [
        {"params": [weight], "lr": rate}
        for weight, rate in zip(weights, (_LR, 10 * _LR), strict=True)
    ]
    optimizer = build(groups, _LR, _DECAY)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ValueError(f"must return a torch.optim.Optimizer, got {type(optimizer).__name__}")
    rates = [group.get("lr") for group in optimizer.param_groups]
    if rates != [_LR, 10 * _LR]:
        raise refused("lr", "that of each group given", rates)
    return weights, optimizer


def _step(weights: list[Tensor], optimizer: torch.optim.Optimizer, number: int) -> None:
    """One step on a loss that differs from step to step, as a batch's does."""
    optimizer.zero_grad()
    loss = torch.stack([((weight - math.sin(number)) ** 2).sum() for weight in weights]).sum()
    loss.backward()
    optimizer.step()


def _require_resumes(build: Build, weights: list[Tensor], optimizer: torch.optim.Optimizer) -> None:
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    buffer.seek(0)
    try:
        state = torch.load(buffer, weights_only=True)
    except Exception as error:  # torch raises many types
        first = str(error).partition("\n")[0]
        raise ValueError(
            f"its state_dict must hold tensors and plain values alone: {first}"
        ) from None
    again, resumed = _built(build)
    with torch.no_grad():
        for new, weight in zip(again, weights, strict=True):
            new.copy_(weight)
    resumed.load_state_dict(state)
    for number in range(_STEPS, 2 * _STEPS):
        _step(weights, optimizer, number)
        _step(again, resumed, number)
    if not all(map(torch.equal, weights, again)):
        raise ValueError(
            "must continue from its state_dict as if it had never stopped: "
            "its steps differ after load_state_dict"
        )


def _require_follows_rate(build: Build) -> None:
    """The schedule changes ``lr`` of each group, which the next step must use."""
    moved = []
    for factor in (1.0, 0.5):
        weights, optimizer = _built(build)
        before = [weight.detach().clone() for weight in weights]
        for group in optimizer.param_groups:
            group["lr"] *= factor
        for number in range(_STEPS):
            _step(weights, optimizer, number)
        moved.append([new.detach() - old for new, old in zip(weights, before, strict=True)])
    if any(map(torch.equal, *moved)):
        raise ValueError(
            "must step by each group's lr, which the schedule changes: its steps stay the same"
        )


def try_schedule(factor: Callable[[float], object]) -> None:
    """Call a schedule, with its parameters bound, over a whole training, twice.

    Raises:
        ValueError: a factor is no finite number >= 0, all are 0, or one depends on more than
            progress, so that a resumed training would differ.
    """
    places = [point / (_POINTS - 1) for point in range(_POINTS)]
    values = [_factor(factor, progress) for progress in places]
    again = [_factor(factor, progress) for progress in reversed(places)]
    for progress, one, other in zip(places, values, reversed(again), strict=True):
        if one != other:
            allowed = f"a function of progress alone, at {progress:g}"
            raise refused("the factor", allowed, f"{one:g} and then {other:g}")
    if not any(values):
        raise refused("the factor", "above 0 somewhere", 0)


def _factor(factor: Callable[[float], object], progress: float) -> float:
    value = factor(progress)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf:  # type: ignore[operator]
        raise refused("the factor", f"a finite number >= 0 at progress {progress:g}", value)
    return float(value)  # type: ignore[arg-type]
