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
from dataclasses import replace

from search_spaces import Space
from study.ledger.event_values import Reused
from study.ledger.events import EpochEnded, Finished, Tested
from study.ledger.json_records import Json
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.planning.comparison import comparing_runs
from study.search.earlier_trials import ReusableTrial, earlier_trials
from study.search.trial_events import started
from trainables.config import from_flat, identity
from trainables.lane.trial_spec import TrialSpec


def reusable_runs(
    plan: Plan, digest: str, record: StudyRecord
) -> list[tuple[TrialSpec, ReusableTrial]]:
    """Comparing runs that another study has completed and this one has not started.

    Empty with ``--fresh``, and before the searches have chosen. What a run that starts from
    another's network is equal to shows when that one has ended (``reusable_run``).
    """
    if plan.fresh:
        return []
    after = {cell.name: cell.after for cell in plan.design.cells if cell.after}
    left = [run for run in comparing_runs(plan, record) if run.number not in record.trials]
    pairs = [
        (run, earlier)
        for run in left
        if run.cell not in after and (earlier := reusable_run(plan, run, digest)) is not None
    ]
    return [
        (run, earlier)
        for run, earlier in pairs
        if run.cell not in after.values() or earlier.has_network(plan.storage)
    ]


def reusable_run(plan: Plan, run: TrialSpec, digest: str) -> ReusableTrial | None:
    """The trial of another study that a run is equal to; None if it has to run.

    Every run is measured on the test list, so one that cannot be is left out.
    """
    if plan.fresh:
        return None
    earlier = earlier_trials(plan).by_id.get(identity(from_flat(run.config), digest))
    return earlier if earlier is not None and earlier.can_be_measured(plan.storage) else None


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
    network = None if trial.lender is None else trial.lender.number
    source = Reused(study=earlier.study, trial=trial.number, commit=earlier.commit, network=network)
    ledger.append(started(run, trial.id, reused=source))
    for epoch, record in sorted(trial.epochs.items()):
        ledger.append(
            EpochEnded(
                trial=number,
                epoch=epoch,
                metrics=record.metrics,
                seconds=record.seconds,
                lane=record.lane,
                held=record.held,
                iterations=record.iterations,
            )
        )
    ledger.append(Finished(trial=number, state="complete"))
    if trial.tested is not None:
        ledger.append(Tested(trial=number, metrics=trial.tested, refined=trial.refined))
    if trial.other is not None:
        ledger.append(replace(trial.other, trial=number))


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
