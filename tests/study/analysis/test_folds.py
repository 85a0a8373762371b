"""The corrected resampled t-test over folds: its formula, its error and what it does not decide."""

import math

import numpy as np
import pytest
from scipy import stats

from study.analysis.folds import by_fold, compare, corrected_t, fewest_folds
from study.analysis.statistics import ALPHA
from study.ledger.design import seed_and_fold, unit_of

MEANS = (0.01, 0.02, 0.03, 0.04, 0.05)


def units(of_folds: dict[int, list[float]], folds: int = 5) -> dict[int, float]:
    return {
        unit_of(seed, fold, folds): value
        for fold, values in of_folds.items()
        for seed, value in enumerate(values)
    }


def test_a_unit_is_a_seed_and_a_fold_and_without_folds_the_seed() -> None:
    pairs = [(seed, fold) for seed in (0, 1, 7) for fold in (1, 2, 3, 4, 5)]
    numbers = [unit_of(seed, fold, 5) for seed, fold in pairs]
    assert numbers == sorted(set(numbers))
    assert [seed_and_fold(number, 5) for number in numbers] == pairs
    assert unit_of(7, 0, 0) == 7
    assert seed_and_fold(7, 0) == (7, 0)


def test_one_seed_gives_nadeau_and_bengios_formula() -> None:
    """t = mean / sqrt((1/n + n_test/n_train) s^2) with n - 1 degrees of freedom; here s^2 is
    2.5e-4, so that t = 0.03 / sqrt(0.45 * 2.5e-4) = 2 sqrt(2)."""
    found = corrected_t({fold: [value] for fold, value in enumerate(MEANS, 1)}, 1 / 4)
    assert found.mean == pytest.approx(0.03)
    assert found.p == pytest.approx(2 * stats.t.sf(2 * math.sqrt(2), 4))
    half = stats.t.ppf(0.975, 4) * math.sqrt(0.45 * 2.5e-4)
    assert found.interval == pytest.approx((0.03 - half, 0.03 + half))


def test_of_two_tests_the_one_that_is_less_sure_counts() -> None:
    alike = corrected_t({fold: [v] * 3 for fold, v in enumerate(MEANS, 1)}, 1 / 4)
    once = corrected_t({fold: [v] for fold, v in enumerate(MEANS, 1)}, 1 / 4)
    assert alike.p == once.p, "equal seeds are no further folds"
    spread = corrected_t({fold: [v - 0.2, v + 0.2] for fold, v in enumerate(MEANS, 1)}, 1 / 4)
    every = [v + sign * 0.2 for v in MEANS for sign in (-1, 1)]
    t = 0.03 / math.sqrt((1 / 10 + 1 / 4) * np.var(every, ddof=1))
    assert spread.p == pytest.approx(2 * stats.t.sf(t, 9)), "seeds apart make a mean unsure"


def test_too_few_folds_and_no_spread_decide_nothing() -> None:
    assert corrected_t({}, 0.25).mean is None
    four = corrected_t({fold: [v] for fold, v in enumerate(MEANS[:4], 1)}, 0.25)
    assert four.mean == pytest.approx(0.025)
    assert four.p is None
    equal = corrected_t({fold: [0.1] for fold in range(1, 6)}, 0.25)
    assert equal.p == 1.0


def test_cells_are_paired_by_fold_and_seed_and_corrected_by_holm() -> None:
    base = units({fold: [0.5 + fold / 10, 0.6 + fold / 10] for fold in range(1, 6)})
    lucky = {unit: value + 0.1 + (unit % 5) / 1000 for unit, value in base.items()}
    level = {unit: value + (-1) ** unit / 100 for unit, value in base.items()}
    lost = {unit: value for unit, value in lucky.items() if unit % 5 < 4}
    cells = {"base": base, "lucky": lucky, "level": level, "lost": lost}
    found = compare(cells, "base", "max", 5, 0.25)
    assert set(found) == {"lucky", "level", "lost"}
    assert found["lucky"].verdict == "better"
    assert found["lucky"].n == 10
    assert found["lucky"].p is not None
    assert found["lucky"].p_corrected == pytest.approx(2 * found["lucky"].p), "of two with a p"
    assert compare(cells, "base", "min", 5, 0.25)["lucky"].verdict == "worse"
    assert found["level"].verdict == "undecided"
    assert (found["lost"].p, found["lost"].verdict) == (None, "undecided"), "four folds"
    assert fewest_folds([lucky, lost], 5) == 4
    assert list(by_fold(lost, 5)) == [1, 2, 3, 4]


def test_a_smaller_ratio_than_that_of_five_folds_is_not_taken() -> None:
    base = {unit_of(0, fold, 10): 0.5 for fold in range(1, 11)}
    cell = {unit: 0.5 + unit / 100 for unit in base}
    found = [compare({"a": base, "b": cell}, "a", "max", 10, r)["b"].p for r in (1 / 9, 1 / 4)]
    assert found[0] == found[1]


def test_dependent_folds_keep_the_error_that_an_ordinary_t_test_exceeds() -> None:
    """Differences of five folds with a correlation of 1/5, as Nadeau and Bengio take it, and no
    effect; the seeds of a fold share it, too."""
    random, studies = np.random.default_rng(0), 1000
    shared_R11, fold_RK1 = random.normal(size=(studies, 1, 1)), random.normal(size=(studies, 5, 1))
    noise_RKS = 0.5 * random.normal(size=(studies, 5, 2))
    values_RKS = math.sqrt(0.2) * shared_R11 + math.sqrt(0.8) * fold_RK1 + noise_RKS
    p_R = [corrected_t(dict(enumerate(values_KS.tolist(), 1)), 1 / 4).p for values_KS in values_RKS]
    ordinary_R = stats.ttest_1samp(values_RKS.mean(axis=2), 0, axis=1).pvalue
    assert np.mean(np.array(p_R, dtype=float) <= ALPHA) <= 0.055
    assert np.mean(ordinary_R <= ALPHA) > 0.1
