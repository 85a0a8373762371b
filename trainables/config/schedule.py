"""How the weight of a loss changes over training, as one line of text in the config.

A schedule is a comma-separated list of rules, each the name of a loss's weight and its course.
``"w_a from 0.8"`` is "ABL in the last 20 % of the epochs" (ABL, Table 1);
``"lovasz linear 1 0, w_a linear 0 1"`` is the IoU weight decay experiment of the same paper;
``"ar from 0.75"`` adds Affinity Regression late in training. A weight without a rule is constant.
"""

import math
from dataclasses import dataclass

from trainables.config.plugin_fields import PLUGIN
from trainables.config.rival_losses import RIVALS

SCHEDULABLE = (
    *("beta", "gamma", "edge_attention", "lovasz", "w_a", "fkl", "gdl", "bl", "edge", "ar"),
    *("hausdorff", "correlation", *RIVALS),
)
"""Weights that a rule may name: fields of LossConfig; ``edge`` stands for lambda_1..3."""


@dataclass(frozen=True)
class Constant:
    """The weight stays as it is."""

    def factor(self, progress: float) -> float:
        return 1.0

    def ever(self) -> bool:
        return True


@dataclass(frozen=True)
class StartAt:
    """Zero until this fraction of the training has passed, then the full weight."""

    fraction: float

    def factor(self, progress: float) -> float:
        return 1.0 if progress >= self.fraction else 0.0

    def ever(self) -> bool:
        return self.fraction < 1


@dataclass(frozen=True)
class Linear:
    """From ``first`` at the start of training to ``last`` at its end, linearly."""

    first: float
    last: float

    def factor(self, progress: float) -> float:
        return self.first + (self.last - self.first) * progress

    def ever(self) -> bool:
        return self.first > 0 or self.last > 0


@dataclass(frozen=True)
class Lose:
    """The region term under alpha stealing: from 1 down by ``step`` in each of ``rounds``.

    As in the released boundary loss (StealWeight): alpha falls from 1 by 0.01 per epoch to 0.1.
    """

    rounds: int
    step: float = 0.01
    floor: float = 0.1

    def factor(self, progress: float) -> float:
        return max(self.floor, 1 - self.step * int(progress * self.rounds))

    def ever(self) -> bool:
        return True


@dataclass(frozen=True)
class Gain:
    """The boundary term under alpha stealing: rises by ``step`` in each round, from ``step``."""

    rounds: int
    step: float = 0.01

    def factor(self, progress: float) -> float:
        return self.step * (1 + int(progress * self.rounds))

    def ever(self) -> bool:
        return True


Schedule = Constant | StartAt | Linear | Lose | Gain

_GRAMMAR = "'from F', 'linear A B', 'lose EPOCHS' or 'gain EPOCHS'"


def parse_schedules(text: str) -> dict[str, Schedule]:
    """The rules of a text, by the weight they name.

    Raises:
        ValueError: an unknown weight, a weight named twice, or a rule of another form.
    """
    schedules: dict[str, Schedule] = {}
    for rule in filter(None, (part.strip() for part in text.split(","))):
        name, *words = rule.split()
        known = (*SCHEDULABLE, *PLUGIN.weights)
        if name not in known or name in schedules:
            allowed = ", ".join(known)
            raise ValueError(f"schedule must name each of {allowed} at most once, got {rule!r}")
        schedules[name] = _parse_rule(rule, words)
    return schedules


def _parse_rule(rule: str, words: list[str]) -> Schedule:
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError:
        raise ValueError(f"schedule must hold rules {_GRAMMAR}, got {rule!r}") from None
    good = all(0 <= number < math.inf for number in numbers)
    match words[:1], numbers:
        case ["from"], [fraction] if good and fraction < 1:
            return StartAt(fraction)
        case ["linear"], [first, last] if good:
            return Linear(first, last)
        case ["lose"], [rounds] if good and rounds >= 1:
            return Lose(int(rounds))
        case ["gain"], [rounds] if good and rounds >= 1:
            return Gain(int(rounds))
    raise ValueError(f"schedule must hold rules {_GRAMMAR}, got {rule!r}")
