"""Nothing runs twice: a trial that an earlier study of the storage ran is reused.

Equal content means an equal resolved config (seed included) on equal data: a trial's ``id``. The
trial's events are written again in the new ledger, which stays complete by itself, with their
source.

What a search draws is only known when it draws. The same command with the same seed draws the same
trials as long as its sampler knows the same; on several lanes that depends on which trials had
ended by then. So the sampler learns a reused result when the earlier study had it: before the draw
that followed it there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from search_spaces import Space
from study.ledger.events import EpochEnded, Finished, Reused, Started, Tested
from study.ledger.json_records import Json
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import other_records
from study.ledger.trial_record import TrialRecord
from study.planning.runs import grid_runs
from trainables.config import from_flat, identity
from trainables.lane.trial_spec import TrialSpec


@dataclass(frozen=True)
class ReusableTrial:
    """A complete trial of another study."""

    study: str
    commit: str | None
    """Of the code that it ran with."""
    trial: TrialRecord
    others: Mapping[int, TrialRecord]
    """All trials of that study."""

    @property
    def ended(self) -> float:
        return self.trial.epochs[self.trial.last_epoch].time


def reusable_runs(
    plan: Plan, digest: str, record: StudyRecord
) -> list[tuple[TrialSpec, ReusableTrial]]:
    """Runs of an ablation that another study completed and this one has not started.

    None with ``--fresh``, and none before the cells' weights are chosen.
    """
    if plan.fresh or (plan.design.search_trials and not record.chosen):
        return []
    wanted = {
        identity(from_flat(run.config), digest): run
        for run in grid_runs(plan)
        if run.number not in record.trials
    }
    found = complete_trials(plan) if wanted else {}
    pairs = [(run, found[key]) for key, run in wanted.items() if key in found]
    return sorted(pairs, key=lambda pair: pair[0].number)


def complete_trials(plan: Plan) -> dict[str, ReusableTrial]:
    """By content, every complete trial of other studies; of equal ones, one that was tested."""
    found: dict[str, ReusableTrial] = {}
    for other in other_records(plan.storage, plan.study):
        commit = other.provenance.commit
        for trial in other.in_state("complete"):
            known = found.get(trial.id)
            better = known is None or (known.trial.tested is None and trial.tested is not None)
            if better and not trial.reused:
                found[trial.id] = ReusableTrial(other.plan.study, commit, trial, other.trials)
    return found


def reuse_trial(ledger: Ledger, run: TrialSpec, earlier: ReusableTrial) -> None:
    """Write an earlier trial's events as this study's own."""
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
    for epoch, kept in sorted(trial.epochs.items()):
        ledger.append(
            EpochEnded(
                trial=number,
                epoch=epoch,
                metrics=kept.metrics,
                seconds=kept.seconds,
                lane=kept.lane,
            )
        )
    ledger.append(Finished(trial=number, state="complete"))
    if trial.tested is not None:
        ledger.append(Tested(trial=number, metrics=trial.tested))


class DrawReuse:
    """Which draws of a search are reused, and when the sampler learns of their results."""

    def __init__(self, plan: Plan, ledger: Ledger, on_reuse: Callable[[TrialRecord], None]) -> None:
        """``on_reuse`` receives each reused trial: the scheduler's stop rule learns from it."""
        self._ledger, self._on_reuse = ledger, on_reuse
        self._digest = ledger.record.data.digest
        self._known = {} if plan.fresh else complete_trials(plan)
        self._pending: dict[int, ReusableTrial] = {}
        """Reused trials whose results the sampler does not know yet."""
        self._diverged = False
        """Whether a draw was new: from then on this search follows no earlier one."""

    def __getstate__(self) -> Json:
        """Tune pickles its search for a restore that Edgewise never uses."""
        return {}

    def take(self, drawn: TrialSpec) -> bool:
        """Whether this draw ran before: then it is a trial of this study and need not run."""
        key = identity(from_flat(drawn.config), self._digest) if self._known else ""
        found = self._known.get(key)
        if found is None:
            self._diverged = True
            return False
        reuse_trial(self._ledger, drawn, found)
        self._pending[drawn.number] = found
        self._on_reuse(self._ledger.record.trials[drawn.number])
        return True

    def due(self, number: int) -> Iterator[TrialRecord]:
        """Trials whose results the sampler learns before it draws this one."""
        for reused, found in sorted(self._pending.items(), key=lambda item: item[1].ended):
            following = found.others.get(number)
            if self._diverged or following is None or found.ended <= following.started:
                del self._pending[reused]
                yield self._ledger.record.trials[reused]


def possible_reuse(plan: Plan, space: Space, digest: str) -> list[ReusableTrial]:
    """Complete trials of other studies that this search could draw; none for an ablation."""
    if plan.fresh or plan.design.cells:
        return []
    searched = {dimension.path for dimension in space.dimensions}
    return [
        found
        for name, found in complete_trials(plan).items()
        if set(found.trial.params) <= searched
        and name == identity(from_flat({**plan.base, **found.trial.params}), digest)
    ]
