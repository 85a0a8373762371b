"""The networks that are tested beside the measured ones (``eval/both_checkpoints``)."""

from collections.abc import Mapping
from dataclasses import replace

from study.analysis.measured_epoch import both_count, flipped, flipped_config
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord


def by_other(record: StudyRecord) -> StudyRecord | None:
    """The same study, measured by those networks; None without them, or before all are tested.

    What chose them, and after which epoch they are, follows from its plan and configs as in a study
    of their own. The intervals over images are of the measured networks, and are not in it.
    """
    complete = record.compared().in_state("complete")
    if not (both_count(record.plan) and complete) or any(trial.other is None for trial in complete):
        return None
    trials = {number: _by_other(trial) for number, trial in record.trials.items()}
    assert record.planned is not None
    planned = replace(record.planned, plan=flipped(record.plan))
    return replace(record, planned=planned, trials=trials, images={})


def _by_other(trial: TrialRecord) -> TrialRecord:
    config = flipped_config(trial.config)
    if trial.other is None:
        return replace(trial, config=config, tested=None, untested="")
    untested = trial.other.untested
    tested = None if untested else trial.other.metrics
    return replace(trial, config=config, tested=tested, untested=untested)


def prefix(config: Mapping[str, object]) -> str:
    """What the other network's figures are named after: ``best_epoch`` or ``last_epoch``."""
    return "last_epoch" if config.get("eval/checkpoint") == "best" else "best_epoch"


def named(
    figures: Mapping[str, float | None], config: Mapping[str, object]
) -> dict[str, float | None]:
    """The other network's figures by name, as MLflow and tables of trials have them:
    ``best_epoch/test_miou``, or ``last_epoch/test_miou``."""
    return {f"{prefix(config)}/{name}": value for name, value in figures.items()}
