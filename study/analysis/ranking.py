"""The ranking of a study's trials: by one objective, or by the Pareto layers of several."""

from study.analysis.pareto import layers
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord


def layered(record: StudyRecord) -> list[tuple[int, TrialRecord]]:
    """Rank every trial that has a value, best first, each with its Pareto layer.

    Trials that ran all epochs come before pruned ones. With several objectives, the first one
    decides within a layer. With one objective, every trial is in layer 1.
    """
    modes = list(record.plan.objectives.values())
    valued = [
        (values, trial)
        for trial in record.in_state("complete", "pruned")
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
