"""How often a study with planned looks says anything false, in simulated studies.

    python -m tests.benchmarks.family_error [STUDIES [LOOKS [SMALLEST]]]

Ten arms and a baseline, runs from six distributions. A study stops each arm at the first look that
decides it or finds it hopeless. A false word is *better* or *worse* of an arm whose runs have the
baseline's mean, the wrong one of the two, or *same* of an arm whose effect is ``SMALLEST``.
"""

import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from study.analysis.looks import LookRule, take_looks
from study.ledger.look import ArmLook

ARMS = 10
LOOKS = (6, 9, 12)
_RARE, _FAR = 0.05, 20.0
"""How often a run collapses, and by how many standard deviations."""

Runs = NDArray[np.float64]
"""(N,C+1): of each seed, the baseline and the arms."""


class Simulated(NamedTuple):
    """Shares of all simulated studies and arms."""

    family_error: float
    """Of the studies with a false word."""
    found: float
    """Of the arms with an effect: those that are called by its direction."""
    same: float
    """Of the arms without one: those that are called the same."""
    runs: float
    """Of the arms' runs at the last look."""


def normal(random: Generator, seeds: int) -> Runs:
    return random.normal(size=(seeds, ARMS + 1))


def t3(random: Generator, seeds: int) -> Runs:
    return random.standard_t(3, size=(seeds, ARMS + 1))


def log_normal(random: Generator, seeds: int) -> Runs:
    return random.lognormal(size=(seeds, ARMS + 1))


def one_wide(random: Generator, seeds: int) -> Runs:
    """The first arm has five times the spread."""
    runs = normal(random, seeds)
    runs[:, 1] *= 5
    return runs


def skewed_baseline(random: Generator, seeds: int) -> Runs:
    """The baseline is exponential, with the arms' mean and spread: the test assumes symmetry."""
    runs = normal(random, seeds)
    runs[:, 0] = random.exponential(size=seeds) - 1
    return runs


def rare_collapse(random: Generator, seeds: int) -> Runs:
    runs = normal(random, seeds)
    return runs - _FAR * (random.random(runs.shape) < _RARE)


DRAWS: Mapping[str, Callable[[Generator, int], Runs]] = {
    "normal": normal,
    "t3": t3,
    "log-normal": log_normal,
    "one of five times the spread": one_wide,
    "skewed baseline": skewed_baseline,
    "rare collapses": rare_collapse,
}


def simulate(
    draw: Callable[[Generator, int], Runs],
    effects: NDArray[np.float64],
    studies: int,
    looks: tuple[int, ...] = LOOKS,
    smallest: float | None = None,
) -> Simulated:
    """Simulate studies whose arms have these effects, in the runs' own unit."""
    random, rule = np.random.default_rng(0), LookRule(looks=looks, smallest=smallest)
    wrong, found, same, runs = 0, 0, 0, 0
    for _ in range(studies):
        drawn = draw(random, looks[-1])
        differences_NC = drawn[:, 1:] - drawn[:, :1] + effects
        by_seed = {str(arm): dict(enumerate(differences_NC[:, arm])) for arm in range(ARMS)}
        last = list(take_looks(by_seed, range(looks[-1]), rule)[-1].values())
        wrong += any(
            _false(arm, effect, smallest) for arm, effect in zip(last, effects, strict=True)
        )
        right = ["better" if effect > 0 else "worse" for effect in effects]
        found += sum(a.state == r for a, r, e in zip(last, right, effects, strict=True) if e)
        same += sum(arm.state == "same" for arm, e in zip(last, effects, strict=True) if not e)
        runs += sum(arm.seeds for arm in last)
    effective = max(int((effects != 0).sum()), 1)
    without = max(int((effects == 0).sum()), 1)
    return Simulated(
        wrong / studies,
        found / studies / effective,
        same / studies / without,
        runs / studies / ARMS / looks[-1],
    )


def _false(found: ArmLook, effect: float, smallest: float | None) -> bool:
    if found.state == "same":
        return smallest is not None and abs(effect) >= smallest
    if found.state in ("better", "worse"):
        return effect == 0 or (found.state == "better") != (effect > 0)
    return False


def _main(studies: int, looks: tuple[int, ...], smallest: float | None) -> None:
    half = np.arange(ARMS) >= ARMS // 2
    cases = {
        "none": np.zeros(ARMS),
        "five of 4": np.where(half, 4.0, 0.0),
        **({} if smallest is None else {"all of the smallest": np.full(ARMS, smallest)}),
    }
    print("| runs | effects | family error | found | same | runs used |\n|---|---|---|---|---|---|")
    for name, draw in DRAWS.items():
        for effect, effects in cases.items():
            one = simulate(draw, effects, studies, looks, smallest)
            figures = f"{one.family_error:.4f} | {one.found:.2f} | {one.same:.2f} | {one.runs:.2f}"
            print(f"| {name} | {effect} | {figures} |", flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    _main(
        int(given[0]) if given else 10_000,
        tuple(int(seeds) for seeds in given[1].split(",")) if given[1:] else LOOKS,
        float(given[2]) if given[2:] else None,
    )
