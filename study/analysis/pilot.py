"""How much a paired difference varies over seeds, measured by a study that has run: a pilot.

A comparison measures it directly. A search has one seed only; its trials differ by their
parameters, too, so that twice their variance is at most too large for a difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from study.analysis.cell_values import values_by_cell
from study.analysis.confirmation import confirmation_of
from study.analysis.power import INDEPENDENT
from study.analysis.sign_flips import Baseline, differences
from study.analysis.statistics import ALPHA
from study.ledger.design import Ablation
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config.words import counted

FEWEST = 3
"""Seeds of a cell that give a spread at all."""
_FEWEST_FREE = 4
"""Degrees of freedom of searches that give one."""
_HIGHEST = 0.95
"""Correlation; with 1 the cells would be one."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The standard deviation of a paired difference, in the metric's unit, and how well it is
    known."""

    deviation: float
    freedom: float
    """Degrees of freedom: those of a variance of as many independent differences."""
    correlation: float
    """Of two cells' differences."""
    source: str
    """What it was measured on, in words."""
    upper_bound: bool = False

    def interval(self) -> tuple[float, float]:
        """The interval of the standard deviation (chi-square), of the coverage of all intervals."""
        from scipy import stats  # takes a second to import

        ends = stats.chi2.ppf([1 - ALPHA / 2, ALPHA / 2], self.freedom)
        low, high = self.deviation * np.sqrt(self.freedom / ends)
        return float(low), float(high)


def spread_of(record: StudyRecord) -> Spread | None:
    """By the study's objective: of its comparison, else of its searches; None if it has neither."""
    design = record.plan.design
    compared = record if isinstance(design, Ablation) else confirmation_of(record)
    if compared is not None:
        grid = compared.plan.grid
        values = values_by_cell(compared, record.plan.objective)
        if (found := of_comparison(values, grid.baseline_by_cell)) is not None:
            return found
    return _of_searches(record)


def of_comparison(values: Mapping[str, Mapping[int, float]], baseline: Baseline) -> Spread | None:
    """The pooled spread of the cells' differences from the baseline.

    Args:
        values: by cell and seed. Cells of fewer than ``FEWEST`` seeds, and those that equal the
            baseline throughout, are left out.

    Returns:
        None if no cell is left.
    """
    by_cell = {
        cell: by_seed
        for cell, by_seed in differences(values, baseline).items()
        if len(by_seed) >= FEWEST and any(by_seed.values())
    }
    if not by_cell:
        return None
    each = [(np.var([*those.values()], ddof=1), len(those) - 1) for those in by_cell.values()]
    freedom = sum(count for _, count in each)
    variance = sum(count * variance for variance, count in each) / freedom
    if not variance:
        return None
    correlation = _correlation(list(by_cell.values()))
    # Variances of normal differences correlate by the square of the differences' correlation.
    overlap = 1 + (len(by_cell) - 1) * correlation**2
    seeds = max(len(those) for those in by_cell.values())
    return Spread(
        deviation=float(np.sqrt(variance)),
        freedom=freedom / overlap,
        correlation=correlation,
        source=f"{counted(len(by_cell), 'cell')} on {seeds} seeds",
    )


def _correlation(by_cell: Sequence[Mapping[int, float]]) -> float:
    """The mean correlation over pairs of cells; that of independent runs if there is no pair."""
    found = []
    for one, other in combinations(by_cell, 2):
        seeds = sorted(one.keys() & other.keys())
        pair = np.array([[cell[seed] for seed in seeds] for cell in (one, other)])
        if len(seeds) >= FEWEST and pair.std(axis=1).all():
            found.append(np.corrcoef(pair)[0, 1])
    return float(np.clip(np.mean(found), 0, _HIGHEST)) if found else INDEPENDENT


def _of_searches(record: StudyRecord) -> Spread | None:
    """Of complete trials, pooled over the searches of cells."""
    by_cell: dict[str, list[TrialRecord]] = {}
    for trial in record.searched().in_state("complete"):
        if trial.phase == "search" or record.plan.design.kind == "search":
            by_cell.setdefault(trial.cell, []).append(trial)
    values = [
        [value for trial in trials if (value := trial.value(record.plan.objective)) is not None]
        for trials in by_cell.values()
    ]
    values = [those for those in values if len(those) > 1]
    freedom = sum(len(those) - 1 for those in values)
    squares = sum(np.var(those, ddof=1) * (len(those) - 1) for those in values)
    if freedom < _FEWEST_FREE or not squares:
        return None
    trials = sum(map(len, values))
    return Spread(
        deviation=float(np.sqrt(2 * squares / freedom)),
        freedom=freedom,
        correlation=INDEPENDENT,
        source=f"{trials} trials of a search, on one seed",
        upper_bound=True,
    )
