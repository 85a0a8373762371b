"""How the weight of a loss changes over training, as data that fits in a config.

A schedule is a text of one line: comma-separated rules, each the name of a loss's weight and what
becomes of it. ``"w_a from 0.8"`` is "ABL in the last 20 % of the epochs" (ABL, Table 1);
``"lovasz linear 1 0, w_a linear 0 1"`` is the IoU weight decay experiment of the same paper;
``"ar from 0.75"`` adds Affinity Regression after the peak. A weight without a rule is constant.
"""

import math
from dataclasses import dataclass

from trainables.config.plugin_fields import PLUGIN

SCHEDULABLE = ("beta", "gamma", "lovasz", "w_a", "fkl", "gdl", "bl", "edge", "ar")
"""Names of the weights that a rule may be about: fields of LossConfig; ``edge`` is lambda_1..3."""


@dataclass(frozen=True)
class Constant:
    """The weight stays what it is."""

    def factor(self, progress: float) -> float:
        return 1.0

    def ever(self) -> bool:
        return True


@dataclass(frozen=True)
class StartAt:
    """Nothing before a fraction of the training has passed, the whole weight from then on."""

    fraction: float

    def factor(self, progress: float) -> float:
        return 1.0 if progress >= self.fraction else 0.0

    def ever(self) -> bool:
        return self.fraction < 1


@dataclass(frozen=True)
class Linear:
    """A straight line from ``first``, at the start of training, to ``last``, at its end."""

    first: float
    last: float

    def factor(self, progress: float) -> float:
        return self.first + (self.last - self.first) * progress

    def ever(self) -> bool:
        return self.first > 0 or self.last > 0


@dataclass(frozen=True)
class Lose:
    """What the region term loses to alpha stealing: ``step`` each of ``rounds``, down to ``floor``.

    The released boundary loss (StealWeight): alpha starts at 1 and loses 0.01 an epoch until 0.1.
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
    """What the boundary term gains by it: from ``step``, ``step`` a round, without an end."""

    rounds: int
    step: float = 0.01

    def factor(self, progress: float) -> float:
        return self.step * (1 + int(progress * self.rounds))

    def ever(self) -> bool:
        return True


Schedule = Constant | StartAt | Linear | Lose | Gain

_GRAMMAR = "'from F', 'linear A B', 'lose EPOCHS' or 'gain EPOCHS'"


def parse_schedules(text: str) -> dict[str, Schedule]:
    """The rules of a text, by weight.

    Raises:
        ValueError: an unknown weight, a weight named twice, or a rule that is none.
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
