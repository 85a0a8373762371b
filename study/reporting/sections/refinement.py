"""The section that says which tests were refined, and with what."""

from study.analysis import refinements
from study.analysis.segfix_quality import quality
from study.analysis.units import unit_in
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.values import with_unit

_WORDS = (
    "Refinement corrects the predictions of the test list; validation, which ranks trials and "
    "chooses epochs, is of the networks alone."
)
_CHOSEN = (
    " Settings were tried on the validation list with each network, and the best in {objective} "
    "was applied to the test list; beside its figure there stands the network's own."
)


def section(record: StudyRecord) -> Parts:
    """The refined trials; none without any."""
    trials = refinements.tested(record)
    if not trials:
        return []
    objective = record.plan.objective
    chosen = any(trial.refined for trial in trials)
    words = _WORDS + (_CHOSEN.format(objective=objective) if chosen else "")
    words += "".join(
        f" SegFix's network {stage.key}, on the validation list: {found}."
        for stage in record.stages
        if (found := quality(stage))
    )
    head = ["trial", "cell", "seed", "refined by", "settings"]
    head += [f"validation {objective}, refined", "network alone"] if chosen else []
    rows = [_row(record, trial, chosen=chosen) for trial in trials]
    return [Section("Refinement", [Prose(words), Sheet(head, rows)])]


def _row(record: StudyRecord, trial: TrialRecord, *, chosen: bool) -> list[str]:
    objective, unit = record.plan.objective, unit_in(record, record.plan.objective)
    values = [trial.refined.value, trial.value(objective)] if trial.refined else []
    formatted = [with_unit(objective, value, unit) for value in values] or ["-", "-"]
    return [
        str(trial.number),
        trial.cell or "-",
        str(trial.seed),
        refinements.method(trial.config),
        refinements.settings(trial.decided_config) or "-",
        *(formatted if chosen else []),
    ]
