"""The section about the curve of Affinity Regression: does it fall, as in the paper's Table 2?"""

from study.analysis.trend import Trend, trend
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from trainables.data.batches import num_batches

_METRIC = "train/affinity_regression"
_FEW = 30
"""Points below which the corrected test still finds a slope too often: 8 to 18 % of AR(1) curves
without one at a correlation of 0.5 to 0.8, where it should be 5 %."""


def section(record: StudyRecord) -> Parts:
    """The regression of every trial with the term; none where no curve has enough epochs."""
    lines = [
        (trial, found)
        for trial in record.trials.values()
        if (found := _trend_of(trial, record)) is not None
    ]
    if not lines:
        return []
    text = (
        "`linregress` of the loss on iterations, as in the paper's Table 2 (intercept 1.864e-2, "
        "slope -8.079e-7, p < 2e-16). Its p takes points for independent; those of a training "
        "follow each other, so n is also given as the effective number of points, by the "
        "correlation of neighbouring residuals, with its own p. A point is the mean of an epoch."
    )
    if any(found.points < _FEW for _, found in lines):
        text += f" With fewer than {_FEW} points even that p is too small."
    head = ["trial", "cell", "seed", "n", "intercept", "slope", "p", "effective n", "p of it"]
    return [Section("Slope of Affinity Regression", [Prose(text), Sheet(head, _rows(lines))])]


def _trend_of(trial: TrialRecord, record: StudyRecord) -> Trend | None:
    steps = num_batches(record.data.images["train"], int(trial.config["batch"]))
    points = [
        (epoch * steps, value)
        for epoch, results in sorted(trial.epochs.items())
        if (value := results.metrics.get(_METRIC)) is not None
    ]
    return trend([place for place, _ in points], [value for _, value in points])


def _rows(lines: list[tuple[TrialRecord, Trend]]) -> list[list[str]]:
    return [
        [
            str(trial.number),
            trial.cell,
            str(trial.seed),
            str(found.points),
            f"{found.intercept:.3e}",
            f"{found.slope:.3e}",
            f"{found.p:.2g}",
            f"{found.effective:.1f}",
            f"{found.p_effective:.2g}",
        ]
        for trial, found in lines
    ]
