"""The section that says which trials did not begin from scratch."""

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Parts, Prose, Section, Sheet

_SHARED = (
    "Trainings are equal step by step until their configs first make a difference. So these trials "
    "began from another one's checkpoint, with its network and optimiser; the epochs before are "
    "that trial's, and its seconds count once. A loss term that starts later has no value on "
    "validation in them, unless the other trial measured it."
)
_TAKEN = (
    "The trainings of these trials are those of other ones to the last step, and so are all "
    "figures of validation: only what corrects the test is another. So they trained nothing, and "
    "their test read the other trial's network."
)
_AFTER = (
    "These trials are second trainings: each begins with the network by which another trial of "
    "its seed is measured, and with a new optimiser and schedule. Compare them with a cell that "
    "continues for as long without the change, not with the first training."
)


def section(record: StudyRecord) -> Parts:
    """The trials that trained nothing, those that share epochs, and the second trainings; none
    where all began from scratch."""
    return [*_reused_networks(record), *_shared(record), *_second_trainings(record)]


def _reused_networks(record: StudyRecord) -> Parts:
    rows = [
        [*_named(trial), _of(lender)]
        for trial in record.trials.values()
        if (lender := trial.lender) is not None
    ]
    head = ["trial", "cell", "seed", "has the networks of"]
    return [Section("Networks of other trials", [Prose(_TAKEN), Sheet(head, rows)])] if rows else []


def _shared(record: StudyRecord) -> Parts:
    rows = [
        [*_named(trial), _of(record.trials[shared.trial]), f"{shared.epochs} of {_epochs(trial)}"]
        for trial in record.trials.values()
        if (shared := trial.shared) is not None and trial.lender is None
    ]
    head = ["trial", "cell", "seed", "began from", "epochs"]
    return [Section("Shared epochs", [Prose(_SHARED), Sheet(head, rows)])] if rows else []


def _named(trial: TrialRecord) -> list[str]:
    return [str(trial.number), trial.cell, str(trial.seed)]


def _epochs(trial: TrialRecord) -> int:
    return int(trial.config["epochs"])


def _of(trial: TrialRecord) -> str:
    return f"trial {trial.number}, {trial.cell}"


def _second_trainings(record: StudyRecord) -> Parts:
    after = {cell.name: cell.after for cell in record.plan.design.cells if cell.after}
    numbers = {(trial.cell, trial.unit): trial for trial in record.trials.values()}
    rows = [
        [*_named(trial), _of(first), str(first.measured_epoch)]
        for trial in record.trials.values()
        if (first := numbers.get((after.get(trial.cell, ""), trial.unit))) is not None
    ]
    head = ["trial", "cell", "seed", "began from", "after epoch"]
    return [Section("Second trainings", [Prose(_AFTER), Sheet(head, rows)])] if rows else []
