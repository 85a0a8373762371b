"""The section about the curve of Affinity Regression: does it fall, as in the paper's Table 2?"""

from typing import NamedTuple

from study.analysis.affinity_curve import affinity_curve
from study.analysis.trend import Trend, trend
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from trainables.training.iterations import POINTS

_FEW = 30
"""Points below which the corrected test still finds a slope too often: 8 to 18 % of AR(1) curves
without one at a correlation of 0.5 to 0.8, where it should be 5 %."""
_HEAD = "trial,cell,seed,n,intercept,error,slope,error of it,t,p,effective n,p of effective n"


class _Line(NamedTuple):
    trial: TrialRecord
    trend: Trend
    by_epoch: bool


def section(record: StudyRecord) -> Parts:
    """The regression of every trial with the term; none where no curve has enough points."""
    lines = [line for trial in record.trials.values() if (line := _line_of(trial, record))]
    if not lines:
        return []
    text = (
        "`linregress` of the loss on iterations, as in the paper's Table 2 (intercept 1.864e-2, "
        "error 1.023e-4; slope -8.079e-7, error 9.227e-8, t -8.755, p < 2e-16). "
        + _points_words(lines)
        + " p takes points for independent; those of a training follow each other "
        "(autocorrelation), so that a curve without a slope often has a small p. The effective n, "
        "by the correlation of neighbouring residuals, is how many independent points say as much "
        "about the slope; its own p is the one to read."
    )
    if any(line.trend.points < _FEW for line in lines):
        text += f" With fewer than {_FEW} points even that p is too small."
    sheet = Sheet(_HEAD.split(","), [_row(line) for line in lines])
    return [Section("Slope of Affinity Regression", [Prose(text), sheet])]


def _points_words(lines: list[_Line]) -> str:
    if all(line.by_epoch for line in lines):
        return "A point is the mean of an epoch: this ledger has no losses by iteration."
    return (
        "A point is the loss of one batch that trained with the term; of each training at most "
        f"{POINTS} are stored, at even distances."
    )


def _line_of(trial: TrialRecord, record: StudyRecord) -> _Line | None:
    curve = affinity_curve(trial, record.data.images_of(trial.fold)["train"])
    found = trend(curve.at, curve.losses)
    return None if found is None else _Line(trial, found, curve.by_epoch)


def _row(line: _Line) -> list[str]:
    trial, found = line.trial, line.trend
    t = f"{found.slope / found.slope_error:.3f}" if found.slope_error else "-"
    return [
        str(trial.number),
        trial.cell,
        str(trial.seed),
        str(found.points),
        f"{found.intercept:.3e}",
        f"{found.intercept_error:.3e}",
        f"{found.slope:.3e}",
        f"{found.slope_error:.3e}",
        t,
        f"{found.p:.2g}",
        f"{found.effective:.1f}",
        f"{found.p_effective:.2g}",
    ]
