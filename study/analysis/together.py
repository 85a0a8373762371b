"""Comparisons of several datasets together: each cell's gain on each of them, and over all.

The studies must have asked the same question: the same metric, baseline and cells, on different
data. What differs besides (network, epochs) is listed, since a new dataset differs in it, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from study.analysis import same_question
from study.analysis.cell_values import values_by_cell
from study.analysis.outliers import outliers
from study.analysis.power import SMALLEST
from study.analysis.random_effects import Measured, Pooled, pool_all
from study.analysis.results import AblationResults
from study.analysis.same_question import Compared
from study.analysis.sign_flips import paired
from study.analysis.signed_rank import Probabilities, signed_rank
from study.analysis.statistics import ALPHA
from study.analysis.units import unit_in
from study.ledger.record import StudyRecord
from trainables.config import require
from trainables.metrics.catalog import METRICS


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A cell's gain in one study, positive where the cell is better, in the metric's unit."""

    study: str
    dataset: str
    seeds: int
    gain: float
    error: float
    """Standard error over seeds."""
    outliers: int
    """Seeds on which the cell's run is far worse than its others."""
    verdict: str
    """The study's own, corrected over its cells."""

    def interval(self) -> tuple[float, float]:
        """Student's t over the seeds."""
        from scipy import stats

        half = float(stats.t.ppf(1 - ALPHA / 2, self.seeds - 1)) * self.error
        return self.gain - half, self.gain + half


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A cell over all studies."""

    cell: str
    effects: tuple[Effect, ...]
    pooled: Pooled
    practical: Probabilities


@dataclass(frozen=True, kw_only=True)
class Together:
    """All cells over all studies, the most probable gain on a new dataset first."""

    metric: str
    unit: str
    baseline: str
    split: str
    smallest: float
    studies: tuple[Compared, ...]
    arms: tuple[Arm, ...]
    baseline_outliers: Mapping[str, int]
    """By study that has any: seeds on which the baseline's run is far worse than its others."""
    differs: tuple[str, ...]
    """Fields of the config, besides losses and data, in which the studies differ."""


def together(
    records: Sequence[StudyRecord],
    cells: Sequence[str] = (),
    smallest: float | None = None,
) -> Together:
    """Pool the comparisons of at least two studies.

    Args:
        records: of studies with a comparison, each of other data.
        cells: those to pool; all, which must be the same in all studies, if there are none.
        smallest: gains up to here are practically none, in the metric's unit; by default
            ``SMALLEST`` between fractions, 0 in other units.

    Raises:
        ValueError: one line; the studies do not answer the same question, a cell lacks seeds, or
            ``smallest`` is negative.
    """
    studies = tuple(map(same_question.compared, records))
    names = same_question.require_same(studies, cells)
    first = studies[0]
    metric = first.record.plan.objective
    share = METRICS[metric].unit == "fraction"
    within = (SMALLEST if share else 0.0) if smallest is None else smallest
    require(within >= 0, "smallest", ">= 0", within)
    arms = _arms(studies, names, metric, within)
    arms.sort(key=lambda arm: arm.pooled.p_better, reverse=True)
    return Together(
        metric=metric,
        unit=unit_in(first.record, metric),
        baseline=first.baseline,
        split=first.split,
        smallest=within,
        studies=studies,
        arms=tuple(arms),
        baseline_outliers={
            study.name: len(far)
            for study in studies
            if (far := outliers(study.record, metric).get(study.baseline))
        },
        differs=tuple(same_question.differing(studies)),
    )


def _arms(
    studies: Sequence[Compared], cells: Sequence[str], metric: str, smallest: float
) -> list[Arm]:
    verdicts = [AblationResults(study.record).verdicts for study in studies]
    pairs = list(zip(studies, verdicts, strict=True))
    effects = [
        tuple(_effect(study, cell, metric, said[cell]) for study, said in pairs) for cell in cells
    ]
    measured = [Measured([e.gain for e in row], [e.error for e in row]) for row in effects]
    return [
        Arm(
            cell=cell,
            effects=row,
            pooled=pooled,
            practical=signed_rank([effect.gain for effect in row], smallest),
        )
        for cell, row, pooled in zip(cells, effects, pool_all(measured), strict=True)
    ]


def _effect(study: Compared, cell: str, metric: str, verdict: str) -> Effect:
    values: Mapping[str, Mapping[int, float]] = values_by_cell(study.record, metric)
    gains = list(paired(values[cell], values[study.baseline]).values())
    if len(gains) < 2:
        raise ValueError(
            f"--together needs two seeds or more of each cell, got {len(gains)} of {cell!r} "
            f"in {study.name}; --cells chooses others"
        )
    if not np.ptp(gains):
        raise ValueError(
            f"--together needs differences that vary over seeds, got {cell!r} in {study.name}, "
            f"where all are equal; --cells chooses others"
        )
    sign = 1 if METRICS[metric].direction == "max" else -1
    return Effect(
        study=study.name,
        dataset=study.record.data.dataset,
        seeds=len(gains),
        gain=sign * float(np.mean(gains)),
        error=float(np.std(gains, ddof=1) / np.sqrt(len(gains))),
        outliers=len(outliers(study.record, metric).get(cell, ())),
        verdict=verdict,
    )
