"""The line of terminal output for an event."""

from collections.abc import Mapping

from study.analysis import segfix_quality
from study.analysis.units import unit_in
from study.ledger.events import (
    Changed,
    Chosen,
    EpochEnded,
    Event,
    Finished,
    LanesChanged,
    LanesWaiting,
    Looked,
    OtherTested,
    StageReady,
    Started,
    TrialFailed,
    Untested,
)
from study.ledger.look import ArmLook
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.reporting.values import measured_of, parameters, with_unit
from trainables.config.words import counted
from trainables.stages.registry import in_loss


def event_line(event: Event, record: StudyRecord) -> str:
    """The event's line; "" for an event that needs none.

    Args:
        event: what happened.
        record: the study, with this event folded in.
    """
    match event:
        case Started(trial=number):
            return _started(record.trials[number], record)
        case EpochEnded(trial=number):
            return _epoch(event, record.trials[number], record)
        case Finished(trial=number, state=state):
            return _finished(record.trials[number], state)
        case TrialFailed(trial=number, kind=kind, message=message):
            return f"trial {number} failed: {kind}: {message[:200]}"
        case Untested(trial=number, reason=reason):
            return f"trial {number} is untested: {reason}"
        case OtherTested(trial=number, untested=reason) if reason:
            return f"trial {number}: the network beside the verdict is untested: {reason}"
        case Changed(trial=number, config=config):
            return (
                f"trial {number} ran out of memory and starts again: batch {config['batch']}, "
                f"optim/accumulate {config['optim/accumulate']}"
            )
        case _:
            return _study_line(event, record)


def _study_line(event: Event, record: StudyRecord) -> str:
    match event:
        case LanesChanged(lanes=lanes, nodes=nodes):
            return f"{counted(lanes, 'lane')} from now on: {_available(nodes)}"
        case LanesWaiting(lanes=lanes, missing=missing):
            return f"{_have(lanes, 'lane')} been waiting for room: {missing}"
        case Looked(seeds=run, arms=arms):
            return f"look after {counted(run, 'seed')}: {_found(arms)}"
        case StageReady(kind=kind, key=key):
            how = "reused" if event.reused else f"trained in {event.seconds:.0f} s"
            how += ", again: its file was damaged" if event.remade else ""
            found = segfix_quality.quality(event)
            return f"stage {kind} {key} {how}{f': {found}' if found else ''}"
        case Chosen() if not record.plan.design.cells:
            return "the search has ended; its winner and the base run on other seeds"
        case Chosen():
            seeds = counted(len(record.plan.design.seeds), "seed")
            return f"all per-cell searches have ended; each cell's best runs on {seeds}"
        case _:
            return ""


def _available(machines: int) -> str:
    return f"{counted(machines, 'machine')} {'is' if machines == 1 else 'are'} available"


def _have(count: int, what: str) -> str:
    return f"{counted(count, what)} {'has' if count == 1 else 'have'}"


def _started(trial: TrialRecord, record: StudyRecord) -> str:
    if trial.reused or trial.lender:
        return ""
    awaited = [name for name in trial.stages if name in record.awaited_stages and in_loss(name)]
    waits = f"; waiting for stage {', '.join(awaited)}" if awaited else ""
    shared = trial.shared
    begins = f"; begins after epoch {shared.epochs} of trial {shared.trial}" if shared else ""
    return f"trial {trial.number}: {parameters(trial)}{begins}{waits}"


def _finished(trial: TrialRecord, state: str) -> str:
    """The only line of a trial that ran nothing, which has all its events at once."""
    if (lender := trial.lender) is not None:
        takes = f"takes trial {lender.number}'s network, no training"
        return f"trial {trial.number}: {parameters(trial)}; {takes}"
    if trial.reused is None:
        return f"trial {trial.number} {state}"
    origin = f"{trial.reused.study}/{trial.reused.trial}"
    return f"trial {trial.number}: {parameters(trial)}; reused from {origin}"


def _epoch(event: EpochEnded, trial: TrialRecord, record: StudyRecord) -> str:
    if trial.reused or event.epoch <= trial.epochs_shared:
        return ""
    name = measured_of(record.plan.objective, trial.config, event.metrics)
    value = with_unit(name, event.metrics.get(name), unit_in(record, name))
    place = f"{event.epoch}/{trial.config['epochs']}"
    return f"trial {event.trial} epoch {place}: {name} {value}"


def _found(arms: Mapping[str, ArmLook]) -> str:
    """The arms by state, those that go on counted."""
    by_state: dict[str, list[str]] = {}
    for name, arm in arms.items():
        by_state.setdefault(arm.state, []).append(name)
    still = len(by_state.pop("open", []))
    named = [f"{state} {', '.join(names)}" for state, names in by_state.items()]
    return "; ".join([*named, f"{still} open"])
