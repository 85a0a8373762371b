"""How often a study over folds calls an arm better or worse that is not, with networks that learn.

    nice -n 10 python -m tests.benchmarks.fold_error [STUDIES [WORLD]]

Every study draws images, divides them into folds and trains nearest-mean classifiers: a baseline
and four arms, each on features of its own with the same distribution, so that no arm is better on
new data, and folds depend on each other as they do in truth, by shared training images. A seed adds
noise to the learned weights. The error is of the family of four arms. Beside it: the same table by
tests that take folds, or runs, for independent, and how often arms with an effect are found.

Shape letters: R studies, N images, D features, K folds, S seeds.
"""

import sys
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import stats

from study.analysis.folds import compare
from study.analysis.max_t import max_t
from study.analysis.sign_flips import holm
from study.analysis.statistics import ALPHA
from study.ledger.design import unit_of

ARMS = 4
Figures = NDArray[np.float64]
"""(R,K,S): the figure of each run of a cell."""


class World(NamedTuple):
    """The data and the learner of a simulated study."""

    name: str
    images: int
    features: int
    seed_noise: float
    """Of the learned weights, standard deviation."""
    soft: float
    """An image's figure: 0 is right or wrong; above, how far from the boundary, this steep; below,
    the network's figure on all possible images, which no choice of test images changes."""
    groups: int = 0
    """Images of a group share a part of their features, and a fold; 0: none."""
    signal: float = 0.8


WORLDS = (
    World("stable", 60, 4, 0.0, 0),
    World("noisy seeds", 60, 4, 0.3, 0),
    World("soft figure", 60, 4, 0.3, 2),
    World("many images", 300, 4, 0.2, 0),
    World("20 groups", 80, 4, 0.3, 2, 20),
    World("unstable", 60, 40, 0.1, 2),
    World("most unstable", 40, 100, 0.0, 2),
    World("firm test", 200, 10, 0.2, 0.3),
    World("exact test", 60, 10, 0.2, -1),
)


class Draw(NamedTuple):
    """The images of R studies, and which fold each is in."""

    sign_RN: NDArray[np.float64]
    """The true class, -1 or 1."""
    fold_RN: NDArray[np.int64]


def draw(random: Generator, world: World, studies: int, folds: int) -> Draw:
    sign_N = np.where(np.arange(world.images) % 2, 1.0, -1.0)
    units = world.groups or world.images
    fold_RU = random.permuted(np.tile(np.arange(units) % folds, (studies, 1)), axis=1)
    return Draw(np.tile(sign_N, (studies, 1)), np.repeat(fold_RU, world.images // units, axis=1))


def figures(
    random: Generator, world: World, found: Draw, folds: int, seeds: int, gain: float
) -> Figures:
    """The runs of one cell, whose signal is stronger by ``gain``."""
    studies = len(found.sign_RN)
    x_RND = random.normal(size=(studies, world.images, world.features))
    if world.groups:
        of_RGD = random.normal(size=(studies, world.groups, world.features))
        x_RND += 0.7 * np.repeat(of_RGD, world.images // world.groups, axis=1)
    x_RND[..., 0] += (world.signal + gain) * found.sign_RN
    signed_RND = x_RND * found.sign_RN[..., None]
    figures_RKS = np.empty((studies, folds, seeds))
    for fold, seed in product(range(folds), range(seeds)):
        test_RN = found.fold_RN == fold
        train_RN = ~test_RN
        mean_RD = np.einsum("rnd,rn->rd", signed_RND, train_RN) / train_RN.sum(1, keepdims=True)
        mean_RD += world.seed_noise * random.normal(size=mean_RD.shape)
        mean_RD /= np.linalg.norm(mean_RD, axis=1, keepdims=True)
        if world.soft < 0:
            figures_RKS[:, fold, seed] = stats.norm.cdf((world.signal + gain) * mean_RD[:, 0])
            continue
        margin_RN = np.einsum("rnd,rd->rn", signed_RND, mean_RD)
        of_image_RN = stats.norm.cdf(world.soft * margin_RN) if world.soft else margin_RN > 0
        figures_RKS[:, fold, seed] = (of_image_RN * test_RN).sum(1) / test_RN.sum(1)
    return figures_RKS


def cells_of(runs: list[Figures], study: int) -> dict[str, dict[int, float]]:
    """One study's figures by cell and unit; ``0`` is the baseline."""
    _, folds, seeds = runs[0].shape
    return {
        str(cell): {
            unit_of(seed, fold + 1, folds): float(of_cell[study, fold, seed])
            for seed, fold in product(range(seeds), range(folds))
        }
        for cell, of_cell in enumerate(runs)
    }


def corrected(runs: list[Figures]) -> NDArray[np.bool_]:
    """(R,C): the arms that the test of this project decides."""
    folds = runs[0].shape[1]
    return np.array(
        [
            [
                one.verdict != "undecided"
                for one in compare(
                    cells_of(runs, study), "0", "max", folds, 1 / (folds - 1)
                ).values()
            ]
            for study in range(len(runs[0]))
        ]
    )


def as_independent(runs: list[Figures]) -> NDArray[np.bool_]:
    """(R,C): by Holm's method over t-tests that take the folds' means for independent."""
    means = [(arm - runs[0]).mean(axis=2) for arm in runs[1:]]
    p_RC = np.stack([stats.ttest_1samp(mean_RK, 0, axis=1).pvalue for mean_RK in means], axis=1)
    by_study = (holm({str(arm): float(p) for arm, p in enumerate(p_C)}) for p_C in p_RC)
    return np.array([[p <= ALPHA for p in one.values()] for one in by_study])


def flipped(runs: list[Figures]) -> NDArray[np.bool_]:
    """(R,C): by sign flips of every run, as over seeds."""
    rows = []
    for study in range(len(runs[0])):
        base, *arms = (of_cell[study].ravel() for of_cell in runs)
        table = {str(arm): dict(enumerate(of - base)) for arm, of in enumerate(arms)}
        rows.append([p <= ALPHA for p in max_t(table, ALPHA).values()])
    return np.array(rows)


def main(studies: int, only: str = "") -> None:
    print(f"{studies} studies of {ARMS} arms; shares of studies with a false word, in percent")
    heads = ("world", "folds", "seeds", "corrected", "t as independent", "sign flips", "found")
    print("| " + " | ".join(heads) + " |")
    for number, world in enumerate(WORLDS):
        if only not in ("", world.name):
            continue
        for folds, seeds in ((5, 1), (5, 2), (5, 6), (10, 1), (10, 2)):
            random = np.random.default_rng([number, folds, seeds])
            found = draw(random, world, studies, folds)
            null = [figures(random, world, found, folds, seeds, 0.0) for _ in range(ARMS + 1)]
            real = [figures(random, world, found, folds, seeds, 0.6) for _ in range(ARMS)]
            shares = [
                test(null).any(axis=1).mean() for test in (corrected, as_independent, flipped)
            ]
            shares.append(corrected([null[0], *real]).mean())
            cells = [world.name, folds, seeds, *(f"{100 * share:.1f}" for share in shares)]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, *sys.argv[2:3])
