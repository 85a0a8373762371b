"""Parameters that reached no training: a study varied them, and nothing used them.

A lane reports what losses and optimiser hold (``EpochEnded.held``), which is compared here with the
config that was requested. Trials of older ledgers report nothing, and are not judged.
"""

import math
from collections.abc import Iterator

from study.analysis.finding import Finding
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.config.words import counted

REPORTED = ("loss/", "optim/", "inverse_net/", "edge_net/")
"""The sections whose fields a training reports; others are of data, network and evaluation."""


def unreached(record: StudyRecord) -> list[Finding]:
    """The parameters that no complete trial used, though they were set."""
    trials = _reporting(record)
    requested = dict.fromkeys(path for trial in trials for path in trial.params)
    used = {path for trial in trials for path in trial.held}
    lost = [path for path in requested if path.startswith(REPORTED) and path not in used]
    if not lost:
        return []
    return [
        Finding(
            f"{', '.join(lost)} reached none of {counted(len(trials), 'trial')}: no loss and no "
            f"optimiser read it",
            "turn its loss on (a weight of 0 turns it off), or take it out of the study",
        )
    ]


def other_values(record: StudyRecord) -> list[Finding]:
    """The trials that trained with another value than their config has."""
    found = [
        f"trial {trial.number} trained with {path} {held} and not {wanted}"
        for trial in _reporting(record)
        for path, held, wanted in _differing(trial)
    ]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    advice = "its figures are of another config: do not use them, and report this as a fault"
    return [Finding(f"{'; '.join(found[:3])}{more}", advice)] if found else []


def _differing(trial: TrialRecord) -> Iterator[tuple[str, Value, Value]]:
    for path, held in trial.held.items():
        wanted = trial.config.get(path)
        if wanted is not None and not _equal(held, wanted):
            yield path, held, wanted


def _equal(held: Value, wanted: Value) -> bool:
    """Whether the values are equal, but for the rounding of a learning rate's multiple."""
    if isinstance(held, float) and isinstance(wanted, float):
        return math.isclose(held, wanted, rel_tol=1e-9)
    return held == wanted


def _reporting(record: StudyRecord) -> list[TrialRecord]:
    """The complete trials that said what they used: a term may start with the last epoch."""
    return [trial for trial in record.in_state("complete") if trial.held]
