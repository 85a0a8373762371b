"""Variance components against hand counts, known components, and enumerated resamples."""

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import stats

from study.analysis.variance import Components, components, two_way_interval


def drawn(
    random: Generator, shape: tuple[int, int], deviations: tuple[float, float, float]
) -> NDArray[np.float64]:
    """A table of mean 0, from standard deviations of seeds, images and interaction."""
    of_seeds, of_images, of_both = deviations
    return (
        of_seeds * random.standard_normal((shape[0], 1))
        + of_images * random.standard_normal((1, shape[1]))
        + of_both * random.standard_normal(shape)
    )


def test_a_table_counted_by_hand() -> None:
    """Means of seeds 2 and 6, of images 3 and 5; what is left is 1 everywhere."""
    found = components(np.array([[0.0, 4.0], [6.0, 6.0]]))
    # Squares: interaction 4 * 1 / 1; seeds (4 + 4) / 1 - 4 / 2; images (1 + 1) / 1 - 4 / 2.
    assert (found.of_interaction, found.of_seeds, found.of_images) == (4, 6, 0)
    assert found.shares() == (0.75, 0, 0.25)


@pytest.mark.parametrize("deviations", [(2.0, 3.0, 4.0), (0.0, 1.0, 2.0), (1.0, 0.0, 5.0)])
def test_known_components_are_recovered_without_bias(
    deviations: tuple[float, float, float],
) -> None:
    """The mean of 600 estimates, within four of its standard errors."""
    random = np.random.default_rng(1)
    found = np.array(
        [
            (parts.of_seeds, parts.of_images, parts.of_interaction)
            for parts in (components(drawn(random, (6, 40), deviations)) for _ in range(600))
        ]
    )
    error = found.std(axis=0, ddof=1) / len(found) ** 0.5
    assert (np.abs(found.mean(axis=0) - np.square(deviations)) < 4 * error).all()
    assert (error < 0.06 * np.square(deviations).sum()).all()


@pytest.mark.parametrize("deviations", [(1.0, 1.0, 1.0), (0.2, 4.0, 1.0), (0.3, 2.0, 8.0)])
def test_the_interval_holds_the_mean_over_all_seeds_and_images(
    deviations: tuple[float, float, float],
) -> None:
    random, held = np.random.default_rng(2), 0
    for _ in range(400):
        values_SN = drawn(random, (6, 30), deviations)
        held += abs(values_SN.mean()) <= components(values_SN).width(6, 30) / 2
    assert held / 400 == pytest.approx(0.95, abs=0.04)


def test_the_width_follows_its_variance() -> None:
    """With very many seeds and images Student's t is the normal distribution: 2 * 1.96 * root."""
    parts = Components(of_seeds=4, of_images=9, of_interaction=16, seeds=6, images=40)
    many, most = 10**5, 10**6
    variance = 4 / most + 9 / many + 16 / (most * many)
    assert parts.width(most, many) == pytest.approx(2 * 1.959964 * variance**0.5, rel=1e-4)
    few = Components(of_seeds=4, of_images=0, of_interaction=0, seeds=6, images=40)
    assert few.width(6, 40) == pytest.approx(2 * 2.570582 * (4 / 6) ** 0.5)  # t of 5
    assert few.width(6, 40) == few.width(6, 80) > few.width(12, 40)
    images = Components(of_seeds=0, of_images=9, of_interaction=0, seeds=6, images=40)
    assert images.width(6, 40) == pytest.approx(2 * 2.022691 * (9 / 40) ** 0.5)  # t of 39
    both = Components(of_seeds=0, of_images=0, of_interaction=16, seeds=6, images=40)
    freedom = 1 / (1 / 5 + 1 / 39 + 1 / 195)  # three mean squares of the same expectation
    bound = stats.t.ppf(0.975, freedom)
    assert both.width(6, 40) == pytest.approx(2 * bound * (16 / 240) ** 0.5)


def test_a_negative_estimate_narrows_nothing() -> None:
    parts = Components(of_seeds=-1, of_images=1, of_interaction=0, seeds=6, images=40)
    assert parts.shares() == (0, 1, 0)
    zero = Components(of_seeds=0, of_images=1, of_interaction=0, seeds=6, images=40)
    assert parts.width(6, 40) == zero.width(6, 40)
    nothing = Components(of_seeds=0, of_images=0, of_interaction=0, seeds=6, images=40)
    assert nothing.width(6, 40) == 0
    assert nothing.shares() == (0, 0, 0)


def test_two_seeds_of_two_images_have_sixteen_resamples() -> None:
    """Each corner is a resample in 1 of 16: above 2.5 %, so that the interval ends in corners."""
    assert two_way_interval(np.array([[0.0, 4.0], [6.0, 7.0]])) == (0.0, 7.0)


def test_the_two_way_bootstrap_has_the_variance_that_its_author_derived() -> None:
    """Owen's: seeds and images as a resample has them, the interaction three times."""
    values_SN = drawn(np.random.default_rng(3), (60, 80), (1.0, 1.0, 0.0))
    low, high = two_way_interval(values_SN)
    of_seeds, of_images = values_SN.mean(axis=1).var(), values_SN.mean(axis=0).var()
    expected = 2 * 1.96 * (of_seeds / 60 + of_images / 80) ** 0.5
    assert high - low == pytest.approx(expected, rel=0.07)
