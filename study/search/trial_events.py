"""The events with which a trial begins in the ledger, by what a searcher decided."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from study.ledger.event_values import Reused, Shared
from study.ledger.events import EpochEnded, Finished, Started
from study.ledger.ledger import Ledger
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import from_flat, identity
from trainables.lane.trial_spec import TrialSpec
from trainables.stages.registry import in_loss, stage_names
from trainables.training.first_difference import shared_metrics


def started(
    spec: TrialSpec, trial_id: str, *, stages: Sequence[str] = (), reused: Reused | None = None
) -> Started:
    """The first event of a trial that runs, or of one that is reused."""
    shared = None
    if spec.twin is not None:
        shared = Shared(trial=spec.twin, epochs=spec.shared_epochs)
    return Started(
        trial=spec.number,
        id=trial_id,
        params=spec.params,
        config=spec.config,
        cell=spec.cell,
        seed=spec.seed,
        phase=spec.phase,
        generation=spec.generation,
        stages=list(stages),
        reused=reused,
        shared=shared,
    )


def shared_epochs(spec: TrialSpec, record: StudyRecord) -> Iterator[EpochEnded]:
    """The epochs that a trial shares with its twin, as its own.

    They took no time: the twin's seconds count once.
    """
    if spec.twin is None:
        return
    twin = record.trials[spec.twin]
    configs = from_flat(twin.config), from_flat(spec.config)
    for epoch in range(1, spec.shared_epochs + 1):
        ended = twin.epochs[epoch]
        yield EpochEnded(
            trial=spec.number,
            epoch=epoch,
            metrics=shared_metrics(ended.metrics, *configs),
            lane=ended.lane,
            seconds=0.0,
        )


def take_networks(ledger: Ledger, run: TrialSpec, lender: TrialRecord) -> None:
    """Write a run that trains nothing, since another one has trained its networks, completely."""
    epochs, digest = int(run.config["epochs"]), ledger.record.data.digest
    config = from_flat(run.config)
    sharing = replace(run, twin=lender.number, shared_epochs=epochs)
    of_test = [name for name in stage_names(config, digest) if not in_loss(name)]
    stages = [*filter(in_loss, lender.stages), *of_test]
    ledger.append(started(sharing, identity(config, digest), stages=stages))
    complete_with_network(ledger, ledger.record.trials[run.number], lender)


def complete_with_network(ledger: Ledger, trial: TrialRecord, lender: TrialRecord) -> None:
    """Write the epochs that a trial has from its lender, where the ledger lacks them, and its end.
    They took no time."""
    for epoch, record in sorted(lender.epochs.items()):
        if epoch not in trial.epochs:
            ledger.append(
                EpochEnded(
                    trial=trial.number,
                    epoch=epoch,
                    metrics=record.metrics,
                    seconds=0.0,
                    lane=record.lane,
                    held=record.held,
                    iterations=record.iterations,
                )
            )
    ledger.append(Finished(trial=trial.number, state="complete"))
