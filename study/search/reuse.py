"""Reuse: a trial that an earlier study of the storage has completed does not run again.

Two trials are equal if their resolved configs (with the seed), their data, the content of their
weights file and the code of ``trainables`` are equal; they then have the same ``id``. The trial's
events are copied to the new ledger with their source, so that each ledger is complete by itself.

What a search draws is known only when it draws. The same command with the same seed draws the same
trials as long as its sampler has the same results; with several lanes, these depend on which trials
had ended by then. So the sampler receives a reused result when the earlier study had it: before the
draw that followed it there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from search_spaces import Space
from study.ledger import end_mark
from study.ledger.events import EpochEnded, Finished, Reused, Started, Tested
from study.ledger.json_records import Json
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder, other_records, studies
from study.ledger.trial_record import TrialRecord
from study.planning.comparison import comparing_runs
from trainables.config import from_flat, identity
from trainables.lane.trial_spec import TrialSpec
from trainables.proof import DamageError


@dataclass(frozen=True)
class ReusableTrial:
    """A complete trial of another study."""

    study: str
    commit: str | None
    """The commit of the code that it ran with."""
    trial: TrialRecord
    others: Mapping[int, TrialRecord]
    """All trials of that study."""
    objectives: Mapping[str, str]
    """Of that study."""

    def can_be_measured(self, storage: Path) -> bool:
        """Whether it has figures on the test list, or its network is there to measure.

        A study keeps the networks of its best trials only (``study/analysis/networks.py``).
        """
        if self.trial.tested is not None:
            return True
        try:
            return StudyFolder(storage / self.study).measured_checkpoint(self.trial).has_state
        except DamageError:
            return False

    @property
    def ended(self) -> float:
        """When its last epoch ended, in Unix time."""
        return self.trial.epochs[self.trial.last_epoch].time


class EarlierTrials(NamedTuple):
    """The complete trials of other studies of a storage."""

    by_id: Mapping[str, ReusableTrial]
    """Among equal ones, preferably a tested one."""
    left_out: tuple[str, ...]
    """A line for each study that cannot be read."""


def reusable_runs(
    plan: Plan, digest: str, record: StudyRecord
) -> list[tuple[TrialSpec, ReusableTrial]]:
    """Comparing runs that another study has completed and this one has not started.

    Every run is measured on the test list, so those that cannot be are left out. Empty with
    ``--fresh``, and before the searches have chosen.
    """
    if plan.fresh:
        return []
    wanted = {
        identity(from_flat(run.config), digest): run
        for run in comparing_runs(plan, record)
        if run.number not in record.trials
    }
    complete = earlier_trials(plan).by_id if wanted else {}
    pairs = [(run, complete[key]) for key, run in wanted.items() if key in complete]
    usable = [pair for pair in pairs if pair[1].can_be_measured(plan.storage)]
    return sorted(usable, key=lambda pair: pair[0].number)


def earlier_trials(plan: Plan) -> EarlierTrials:
    """The complete trials of all other studies of the plan's storage.

    A plan and its run both need them: ledgers are read again only after one has changed.
    """
    ledgers = [folder.ledger for folder in studies(plan.storage) if folder.name != plan.study]
    files = [file for ledger in ledgers for file in (ledger, end_mark.path_of(ledger))]
    objective = (plan.objective, plan.mode)
    return _read(plan.storage, plan.study, objective, tuple(map(_state, files)))


def _state(file: Path) -> tuple[str, int, int, int] | None:
    """What differs once a file, or who may read it, has changed; None if it cannot be looked at."""
    try:
        state = file.stat()
    except OSError:
        return None
    return str(file), state.st_ino, state.st_size, state.st_ctime_ns


@lru_cache(maxsize=1)
def _read(
    storage: Path, study: str, objective: tuple[str, str], states: tuple[object, ...]
) -> EarlierTrials:
    complete: dict[str, ReusableTrial] = {}
    left_out = set[str]()
    for other in other_records(storage, study, left_out):
        commit = other.provenance.commit
        for trial in other.in_state("complete"):
            known = complete.get(trial.id)
            better = known is None or (known.trial.tested is None and trial.tested is not None)
            # The id does not have the objective, which chose the epoch that measures the trial.
            same = trial.best_by in (None, objective)
            if better and same and not trial.reused and trial.has_all_epochs:
                complete[trial.id] = ReusableTrial(
                    other.plan.study, commit, trial, other.trials, other.plan.objectives
                )
    return EarlierTrials(complete, tuple(sorted(left_out)))


def _complete_draws(plan: Plan) -> Mapping[str, ReusableTrial]:
    """The complete trials that a draw may equal, by id.

    A search measures its winner on the test list. Where an earlier one ranked by the same
    objectives, the winner among its trials is measured already; where it did not, any trial may win
    and has to be measurable. The searches of an ablation's cells measure none.
    """
    complete = earlier_trials(plan).by_id
    if plan.design.cells:
        return complete
    return {
        key: earlier
        for key, earlier in complete.items()
        if earlier.objectives == plan.objectives or earlier.can_be_measured(plan.storage)
    }


def reuse_trial(ledger: Ledger, run: TrialSpec, earlier: ReusableTrial) -> None:
    """Write an earlier trial's events to this study's ledger, under the run's number."""
    trial, number = earlier.trial, run.number
    ledger.append(
        Started(
            trial=number,
            id=trial.id,
            params=run.params,
            config=run.config,
            cell=run.cell,
            seed=run.seed,
            phase=run.phase,
            generation=run.generation,
            reused=Reused(study=earlier.study, trial=trial.number, commit=earlier.commit),
        )
    )
    for epoch, record in sorted(trial.epochs.items()):
        ledger.append(
            EpochEnded(
                trial=number,
                epoch=epoch,
                metrics=record.metrics,
                seconds=record.seconds,
                lane=record.lane,
                held=record.held,
            )
        )
    ledger.append(Finished(trial=number, state="complete"))
    if trial.tested is not None:
        ledger.append(Tested(trial=number, metrics=trial.tested))


class DrawReuse:
    """Decides which draws of a search are reused, and when the sampler receives their results."""

    def __init__(self, plan: Plan, ledger: Ledger, on_reuse: Callable[[TrialRecord], None]) -> None:
        """``on_reuse`` receives each reused trial, so that the scheduler's stop rule counts it."""
        self._ledger, self._on_reuse = ledger, on_reuse
        self._digest = ledger.record.data.digest
        self._known = {} if plan.fresh else _complete_draws(plan)
        self._pending: dict[int, ReusableTrial] = {}
        """Reused trials whose results the sampler has not received yet, by number."""
        self._diverged = False
        """Whether a draw was new: from then on this search no longer repeats an earlier one."""

    def __getstate__(self) -> Json:
        """Nothing: Tune pickles its searcher for a restore that Edgewise never uses."""
        return {}

    def take(self, drawn: TrialSpec) -> bool:
        """Reuse a draw that ran before; return whether it did, and therefore need not run."""
        key = identity(from_flat(drawn.config), self._digest) if self._known else ""
        earlier = self._known.get(key)
        if earlier is None:
            self._diverged = True
            return False
        reuse_trial(self._ledger, drawn, earlier)
        self._pending[drawn.number] = earlier
        self._on_reuse(self._ledger.record.trials[drawn.number])
        return True

    def due(self, number: int) -> Iterator[TrialRecord]:
        """The reused trials whose results the sampler receives before it draws this one."""
        for reused, earlier in sorted(self._pending.items(), key=lambda item: item[1].ended):
            following = earlier.others.get(number)
            if self._diverged or following is None or earlier.ended <= following.started:
                del self._pending[reused]
                yield self._ledger.record.trials[reused]


def possible_reuse(plan: Plan, space: Space, digest: str) -> list[ReusableTrial]:
    """Complete trials of other studies that this search could draw; none for an ablation."""
    if plan.fresh or plan.design.cells:
        return []
    searched = {dimension.path for dimension in space.dimensions}
    return [
        earlier
        for key, earlier in _complete_draws(plan).items()
        if set(earlier.trial.params) <= searched
        and key == identity(from_flat({**plan.base, **earlier.trial.params}), digest)
    ]
