"""A provisional state of a running comparison, which may be read after any seed.

The verdict is the planned test's alone. Until then, an e-value says how far the seeds so far speak
against no difference: it reaches ``1 / ALPHA`` with a probability of at most ALPHA, however often
one looks, if the differences are normal. It is the scale-invariant likelihood ratio of the t-test,
with a normal mixture over the effect size (Wang and Ramdas 2023, arXiv 2310.03722, with g = 1).
Over the cells it is corrected by closed testing with averages of e-values (Vovk and Wang 2021,
Annals of Statistics 49, Algorithm 1).
"""

import math
from collections.abc import Mapping, Sequence

from study.analysis.cell_values import values_by_cell
from study.analysis.sign_flips import differences
from study.analysis.statistics import ALPHA
from study.ledger.design import Ablation
from study.ledger.record import StudyRecord

FEWEST = 5
"""Seeds below which nothing is said: the e-value rests on normal differences."""


def e_value(differences: Sequence[float], g: float = 1.0) -> float:
    """The e-value against a mean of 0; 1 for too few differences or without any.

    ``sqrt(g / (n + g)) * ((n + g) * V / ((n + g) * V - S**2)) ** (n / 2)``, with their sum ``S``
    and their sum of squares ``V``.
    """
    n, squares = len(differences), math.fsum(one * one for one in differences)
    if n < FEWEST or squares == 0:
        return 1.0
    share = math.fsum(differences) ** 2 / ((n + g) * squares)  # at most n / (n + g)
    return math.sqrt(g / (n + g)) * (1 - share) ** (-n / 2)


def closed(e_values: Mapping[str, float]) -> dict[str, float]:
    """For each cell, the lowest average over all sets of cells that it belongs to."""
    ascending = sorted(e_values, key=lambda cell: e_values[cell])
    corrected = {}
    for cell, of_cell in e_values.items():
        total, lowest = of_cell, of_cell
        for place, other in enumerate((one for one in ascending if one != cell), start=2):
            total += e_values[other]
            lowest = min(lowest, total / place)
        corrected[cell] = lowest
    return corrected


def leaning(record: StudyRecord) -> dict[str, str]:
    """By cell that the seeds so far speak for or against: ``better`` or ``worse``, provisionally.

    Empty for a search, over folds, and while no cell has enough seeds.
    """
    if not isinstance(record.plan.design, Ablation) or record.plan.design.folds:
        return {}  # differences on folds are dependent
    values = values_by_cell(record, record.plan.objective)
    by_cell = {
        cell: list(by_seed.values())
        for cell, by_seed in differences(values, record.plan.grid.baseline_by_cell).items()
    }
    strong = closed({cell: e_value(of_cell) for cell, of_cell in by_cell.items()})
    return {
        cell: "better" if (math.fsum(by_cell[cell]) > 0) == (record.plan.mode == "max") else "worse"
        for cell, e in strong.items()
        if e >= 1 / ALPHA
    }
