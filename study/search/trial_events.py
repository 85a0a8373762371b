"""The events with which a trial begins in the ledger, by what a searcher decided."""

from collections.abc import Iterator, Sequence

from study.ledger.event_values import Reused, Shared
from study.ledger.events import EpochEnded, Started
from study.ledger.record import StudyRecord
from trainables.config import from_flat
from trainables.lane.trial_spec import TrialSpec
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
