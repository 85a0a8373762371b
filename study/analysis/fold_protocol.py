"""How the figures of a study over folds were obtained, and what its folds can decide, in words."""

import math

from study.analysis.folds import FEWEST, LEAST_RATIO
from study.analysis.statistics import ALPHA
from study.ledger.plan import Plan
from trainables.config.words import counted

_TEST = (
    "a corrected resampled t-test (Nadeau and Bengio, 2003), paired by fold and seed, over the "
    "means of the folds and over all runs, whichever is larger"
)


def units(plan: Plan) -> str:
    """``5 folds x 2 seeds``; ``6 seeds`` without folds."""
    seeds = counted(len(plan.design.seeds), "seed")
    return f"{plan.design.folds} folds x {seeds}" if plan.design.folds else seeds


def paired_by(plan: Plan, plural: str = "") -> str:
    """What makes two runs a pair: ``seed``, or ``fold and seed``; with an s, the plural."""
    return f"fold{plural} and seed{plural}" if plan.design.folds else f"seed{plural}"


def sample(plan: Plan) -> str:
    """What a cell runs on: ``5 folds x 2 seeds (0, 1)``."""
    return f"{units(plan)} ({', '.join(map(str, plan.design.seeds))})"


def delta(baselines: str, unit: str) -> str:
    """What a difference, its interval and its p are."""
    return (
        f"A figure is of a fold's own test images; folds are averaged, not pooled. Delta: mean "
        f"over folds of cell - {baselines} in {unit}, each fold the mean of its seeds, with the "
        f"{1 - ALPHA:.0%} interval of the test; p: {_TEST}"
    )


def power(plan: Plan, compared: int) -> str:
    """Say what this number of folds can decide in a table with so many comparisons."""
    if compared < 1:
        return "Nothing is compared: only the baseline runs."
    factor = least_effect(plan.design.folds, compared)
    return (
        f"{units(plan)} can decide: with {counted(compared, 'comparison')}, corrected by Holm's "
        f"method, the first one needs a mean difference of at least {factor:.2g} standard "
        f"deviations of the folds' differences. {FEWEST} of the folds must have a figure; more "
        f"seeds make a fold's figure firmer and are no further folds."
    )


def least_effect(folds: int, compared: int) -> float:
    """The smallest mean difference that can be significant first of so many comparisons, in
    standard deviations of the folds' means."""
    from scipy import stats  # takes a second to import

    ratio = max(1 / (folds - 1), LEAST_RATIO)
    return float(stats.t.ppf(1 - ALPHA / compared / 2, folds - 1)) * math.sqrt(1 / folds + ratio)
