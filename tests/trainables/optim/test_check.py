"""A plug-in's optimiser and schedule: what is refused before a study starts."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from trainables.config import OptimConfig
from trainables.optim.check import try_optimizer, try_schedule
from trainables.optim.optimizers import OPTIMIZERS, Groups, stored_per_weight
from trainables.optim.schedules import SCHEDULES


class Plain(torch.optim.SGD):
    """Gradient descent, whose ``step`` the tests spoil."""


class Still(Plain):
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        return None


class Blind(Plain):
    """Ignores the groups' rates."""

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    weight -= 0.01 * weight.grad


class Forgetful(Plain):
    """Counts its steps where no state dict finds them."""

    steps = 0

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        self.steps += 1
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    weight -= group["lr"] * weight.grad / self.steps


class Noisy(Plain):
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    weight -= group["lr"] * (weight.grad + torch.randn_like(weight))


class Unsaved(Plain):
    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "of": random.Random(0)}


def exploding(groups: Groups, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr, weight_decay=float("inf"))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda g, lr, d: Still(g, lr), "must move every group's parameters: after 3 steps one is"),
        (lambda g, lr, d: Plain(g[:1], lr), r"lr must be that of each group given, got \[0.01\]"),
        (
            lambda g, lr, d: Plain([p for group in g for p in group["params"]], lr),
            "lr must be that of each group given",
        ),
        (lambda g, lr, d: Blind(g, lr), "must step by each group's lr, which the schedule changes"),
        (lambda g, lr, d: Forgetful(g, lr), "must continue from its state_dict as if it had never"),
        (lambda g, lr, d: Noisy(g, lr), "must continue from its state_dict as if it had never"),
        (lambda g, lr, d: Unsaved(g, lr), "its state_dict must hold tensors and plain values"),
        (lambda g, lr, d: None, r"must return a torch.optim.Optimizer, got NoneType"),
        (exploding, "a parameter must be finite after 3 steps"),
        (lambda g, lr, d: torch.optim.LBFGS(g[0]["params"], lr), "lr must be that of each group"),
    ],
)
def test_an_optimiser_that_cannot_train_or_resume_is_refused(
    build: Callable[[Groups, float, float], Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        try_optimizer(build)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "kind", [torch.optim.AdamW, torch.optim.RMSprop, torch.optim.NAdam, torch.optim.RAdam]
)
def test_torch_s_own_optimisers_pass(kind: Callable[..., torch.optim.Optimizer]) -> None:
    try_optimizer(lambda groups, lr, decay: kind(groups, lr=lr, weight_decay=decay))


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_edgewise_s_own_pass(name: str) -> None:
    try_optimizer(lambda groups, lr, decay: OPTIMIZERS[name](groups, OptimConfig(lr=lr)))


@pytest.mark.parametrize("name", ["poly", "one_cycle", "constant"])
def test_edgewise_s_own_schedules_pass(name: str) -> None:
    try_schedule(lambda p: SCHEDULES[name](OptimConfig(warmup=0.1), round(1000 * p), 1000))


def counter() -> Iterator[float]:
    value = 1.0
    while True:
        yield value
        value *= 0.99


COUNTER = counter()


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (lambda p: -p, r"the factor must be a finite number >= 0 at progress 0.01, got -0.01"),
        (lambda p: 1 / p if p else float("inf"), "finite number >= 0 at progress 0, got inf"),
        (lambda p: None, "the factor must be a finite number >= 0 at progress 0, got None"),
        (lambda p: True, "the factor must be a finite number >= 0 at progress 0, got True"),
        (lambda p: 0.0, "the factor must be above 0 somewhere, got 0"),
        (lambda p: next(COUNTER), "the factor must be a function of progress alone"),
    ],
)
def test_a_schedule_that_cannot_be_resumed_or_is_no_rate_is_refused(
    factor: Callable[[float], object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        try_schedule(factor)


def test_what_is_stored_beside_a_weight_is_measured() -> None:
    assert stored_per_weight(OptimConfig(optimizer="adamw")) == 2  # two moments
    assert stored_per_weight(OptimConfig(optimizer="sgd")) == 1
    assert stored_per_weight(OptimConfig(optimizer="sgd", momentum=0.0)) == 0
