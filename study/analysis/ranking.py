"""The ranking of a study's trials: by one objective, or by the Pareto layers of several."""

from collections import Counter

from study.analysis.pareto import layers
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config.words import counted


def layered(record: StudyRecord) -> list[tuple[int, TrialRecord]]:
    """Rank every trial that has a value, best first, each with its Pareto layer.

    The trials that confirm a winner, on other seeds, are not ranked.

    Trials that ran all epochs come before pruned ones. With several objectives, the first one
    decides within a layer. With one objective, every trial is in layer 1.
    """
    modes = list(record.plan.objectives.values())
    valued = [
        (values, trial)
        for trial in record.searched().in_state("complete", "pruned")
        if (values := trial.values(record.plan.objectives)) is not None
    ]
    several = len(modes) > 1
    layer_N = layers([values for values, _ in valued], modes) if several else [1] * len(valued)
    sign = -1 if modes[0] == "max" else 1
    rows = [
        ((trial.state != "complete", layer, sign * values[0], trial.number), trial)
        for layer, (values, trial) in zip(layer_N, valued, strict=True)
    ]
    return [(key[1], trial) for key, trial in sorted(rows, key=lambda row: row[0])]


def ranking(record: StudyRecord) -> list[TrialRecord]:
    """The trials of ``layered``, without their layers."""
    return [trial for _, trial in layered(record)]


def champion(record: StudyRecord) -> TrialRecord | None:
    """The best single trial; with several objectives, the Pareto set's best by the first one."""
    return next(iter(ranking(record)), None)


def no_result(record: StudyRecord) -> str:
    """Why a study that ended, or whose budget did, says nothing, in one line with its most frequent
    failure; "" if it has a result: a complete trial that has the objective."""
    trials = list(record.compared().trials.values())
    complete = [trial for trial in trials if trial.state == "complete"]
    if any(trial.values(record.plan.objectives) is not None for trial in complete):
        return ""
    if complete:
        names = ", ".join(record.plan.objectives)
        return f"no result: {names} is undefined in {counted(len(complete), 'complete trial')}"
    failures = [trial.failure for trial in record.trials.values() if trial.failure is not None]
    text = f"no result: {_none_complete(trials)}"
    if record.budget_spent is not None:
        text += " and the budget is spent"
    if not failures:
        return text
    (kind, count), *_ = Counter(str(failure.kind) for failure in failures).most_common(1)
    example = next(failure for failure in failures if failure.kind == kind)
    return f"{text}; the most frequent failure, {count} times {kind}: {example.first_line[:200]}"


def _none_complete(trials: list[TrialRecord]) -> str:
    """That no trial is complete, and of how many; a comparison may not have begun."""
    if not trials:
        return "no trial that would be compared has started"
    if len(trials) == 1:
        return "its only trial is not complete"
    return f"none of {len(trials)} trials is complete"
