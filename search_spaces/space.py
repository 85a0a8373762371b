"""What varies in a study, within which bounds and why."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from optuna import Trial, logging
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)
from optuna.trial import FixedTrial

Value = bool | int | float | str

# Optuna announces each of our in-memory studies, and forgets a level that was set before its
# import. Whatever needs Optuna here imports this module, so the level is set in one place.
logging.set_verbosity(logging.ERROR)


class DimensionEvent(TypedDict):
    """A dimension in the ledger."""

    path: str
    distribution: dict[str, object]
    """As ``optuna.distributions.distribution_to_json`` writes it."""
    why: str
    when: list[Value] | None
    """Path and value, ``Dimension.when``."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One searched parameter."""

    path: str
    """The config's field path, ``loss/gamma``; also its name in Optuna and MLflow."""

    distribution: BaseDistribution
    why: str
    """The reason for the bounds, with its source."""

    when: tuple[str, Value] | None = None
    """Sampled only if this earlier dimension took this value."""

    def applies(self, chosen: Mapping[str, Value]) -> bool:
        """Whether it is sampled, given these values of earlier dimensions."""
        return self.when is None or chosen.get(self.when[0]) == self.when[1]

    def suggest(self, trial: Trial | FixedTrial) -> Value:
        """Draw a value."""
        match self.distribution:
            case FloatDistribution(low=low, high=high, log=log, step=step):
                return trial.suggest_float(self.path, low, high, step=step, log=log)
            case IntDistribution(low=low, high=high, log=log, step=step):
                return trial.suggest_int(self.path, low, high, step=step, log=log)
            case CategoricalDistribution(choices=choices):
                chosen = trial.suggest_categorical(self.path, choices)
                assert chosen is not None
                return chosen
            case _:
                raise TypeError(f"{self.path}: no way to draw from {self.distribution}")

    def holds(self, value: Value) -> bool:
        """Whether a value lies within the bounds."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return value in choices
            case FloatDistribution(low=low, high=high) | IntDistribution(low=low, high=high):
                return not isinstance(value, str) and low <= value <= high
            case _:
                return False

    def at(self, share: float) -> Value:
        """The value at this share of the range, from 0 (its start) to 1 (its end)."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                chosen = choices[min(int(share * len(choices)), len(choices) - 1)]
                assert chosen is not None
                return chosen
            case FloatDistribution(low=low, high=high, log=log, step=step):
                value = _between(low, high, share, log=log)
                return value if step is None else low + round((value - low) / step) * step
            case IntDistribution(low=low, high=high, log=log, step=step):
                return low + round((_between(low, high, share, log=log) - low) / step) * step
            case _:
                raise TypeError(f"{self.path}: no way to draw from {self.distribution}")

    def event(self) -> DimensionEvent:
        """The dimension as the ledger stores it."""
        distribution = json.loads(distribution_to_json(self.distribution))
        when: list[Value] | None = list(self.when) if self.when else None
        return {"path": self.path, "distribution": distribution, "why": self.why, "when": when}

    def bounds(self) -> str:
        """The range as text: ``0.1 .. 10 (log)``, ``dense | aet``."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return " | ".join(map(str, choices))
            case FloatDistribution(low=low, high=high, log=log):
                return f"{low:g} .. {high:g}" + (" (log)" if log else "")
            case IntDistribution(low=low, high=high, log=log):
                return f"{low} .. {high}" + (" (log)" if log else "")
            case _:
                return str(self.distribution)


def _between(low: float, high: float, share: float, *, log: bool) -> float:
    """Both ends exactly, and nothing beyond them."""
    if share == 1:
        return high
    return min(low * (high / low) ** share if log else low + share * (high - low), high)


def dimension_from_event(event: DimensionEvent) -> Dimension:
    """The dimension of an event in the ledger."""
    distribution = json_to_distribution(json.dumps(event["distribution"]))
    when = (str(event["when"][0]), event["when"][1]) if event["when"] else None
    return Dimension(path=event["path"], distribution=distribution, why=event["why"], when=when)


@dataclass(frozen=True, kw_only=True)
class Space:
    """A question, what all its trials have in common, and what varies between them."""

    name: str
    question: str
    dimensions: tuple[Dimension, ...]
    base: Mapping[str, Value] = field(default_factory=dict)
    """Changes to the default config that every trial of the space has."""

    cost: str = ""
    """What a study costs, in words."""

    def suggest(self, trial: Trial | FixedTrial) -> dict[str, Value]:
        """Draw one configuration, define-by-run: a conditional dimension only if it applies."""
        chosen: dict[str, Value] = {}
        for dimension in self.dimensions:
            if dimension.applies(chosen):
                chosen[dimension.path] = dimension.suggest(trial)
        return chosen

    def spread(self, count: int) -> list[dict[str, Value]]:
        """``count`` configurations that cover every dimension evenly, both ends included."""
        shares = [place / max(count - 1, 1) for place in range(count)]
        # Each dimension in an order of its own, so that low values of one meet all of another.
        orders = [random.Random(seed).sample(shares, count) for seed in range(len(self.dimensions))]
        found: list[dict[str, Value]] = []
        for place in range(count):
            chosen: dict[str, Value] = {}
            for dimension, order in zip(self.dimensions, orders, strict=True):
                if dimension.applies(chosen):
                    chosen[dimension.path] = dimension.at(order[place])
            found.append(chosen)
        return found

    def distributions(self, chosen: Mapping[str, Value]) -> dict[str, BaseDistribution]:
        """The distributions from which this configuration was drawn."""
        drawn = FixedTrial(dict(chosen))
        self.suggest(drawn)
        return drawn.distributions

    def choices(self, path: str) -> tuple[Value, ...]:
        """All values of a categorical dimension; empty if the path is not searched.

        Raises:
            TypeError: the path is searched over a range.
        """
        for dimension in self.dimensions:
            if dimension.path == path:
                if not isinstance(dimension.distribution, CategoricalDistribution):
                    raise TypeError(f"{path} decides a stage and must be searched over choices")
                return tuple(value for value in dimension.distribution.choices if value is not None)
        return ()
