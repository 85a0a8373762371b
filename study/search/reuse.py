"""Never twice: what an earlier study of the same storage ran with the same content is taken over.

Content is the resolved config (seed included) and the data's digest: a trial's ``id``. The events
are written again in the new ledger, so that it stays whole by itself, and say where they come from.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces import Space
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord, TrialRecord
from study.ledger.study_folder import other_studies
from study.planning.runs import Run, grid_runs
from trainables.config import flatten, from_flat, identity


@dataclass(frozen=True)
class ReusableTrial:
    """A whole trial of another study."""

    study: str
    commit: str | None
    """Of the code that it ran with, for a reader to judge."""
    trial: TrialRecord
    others: Mapping[int, TrialRecord]
    """All trials of that study."""


def reusable_runs(plan: Plan, digest: str, record: StudyRecord) -> list[tuple[Run, ReusableTrial]]:
    """Runs of a grid that were not begun here and are whole elsewhere; none with ``--fresh``, and
    none before the cells' weights are chosen."""
    if plan.grid is None or plan.fresh or (plan.search_trials and not record.chosen):
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
    """By content, every whole trial of the storage's other studies; of equal ones a tested one."""
    found: dict[str, ReusableTrial] = {}
    for study in other_studies(plan.storage, plan.study):
        commit = study.plan["provenance"]["commit"]
        for trial in study.in_state("complete"):
            known = found.get(trial.id)
            better = known is None or (known.trial.tested is None and trial.tested is not None)
            if better and not trial.reused:
                found[trial.id] = ReusableTrial(study.plan["study"], commit, trial, study.trials)
    return found


def reuse_trial(ledger: Ledger, run: Run, earlier: ReusableTrial, **place: Any) -> None:
    """Write an earlier trial's events as this study's own; ``place`` is what a search adds."""
    trial, number = earlier.trial, run.number
    source = {"study": earlier.study, "trial": trial.number, "commit": earlier.commit}
    ledger.append(
        "started",
        trial=number,
        id=trial.id,
        params=run.params,
        config=run.config,
        cell=run.cell,
        seed=run.seed,
        reused=source,
        **place,
    )
    for epoch in sorted(trial.epochs):
        kept = {key: trial.epochs[epoch][key] for key in ("metrics", "seconds", "lane")}
        ledger.append("epoch", trial=number, epoch=epoch, **kept)
    ledger.append("finished", trial=number, state="complete")
    if trial.tested is not None:
        ledger.append("tested", trial=number, metrics=trial.tested)


class DrawReuse:
    """What a search takes over, and when its results are due."""

    def __init__(self, plan: Plan, ledger: Ledger, told: Callable[[TrialRecord], None]) -> None:
        """``told`` hears of each trial that is taken over: the scheduler's stop rule."""
        self._ledger, self._told = ledger, told
        self._digest: str = ledger.record.plan["data"]["digest"]
        self._known = {} if plan.fresh else complete_trials(plan)
        self._untold: dict[int, ReusableTrial] = {}
        self._parted = False
        """Whether a draw was new: from then on nothing follows an earlier study."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its search for a restore that Edgewise never asks of it."""
        return {}

    def take(self, drawn: Mapping[str, Any]) -> bool:
        """Whether this draw ran before; it is a trial of this study then, and need not run.

        Args:
            drawn: what Tune would be given: number, params, config, of a cell's search its place.
        """
        flat = drawn["config"]
        found = self._known.get(identity(from_flat(flat), self._digest)) if self._known else None
        if found is None:
            self._parted = True
            return False
        number, seed = drawn["number"], int(flat["seed"])
        run = Run(number, drawn.get("cell", ""), seed, drawn["params"], flat)
        place = {name: drawn[name] for name in ("phase", "generation") if name in drawn}
        reuse_trial(self._ledger, run, found, **place)
        self._untold[number] = found
        self._told(self._ledger.record.trials[number])
        return True

    def due(self, number: int) -> Iterator[TrialRecord]:
        """Trials whose results the sampler is told before it draws this one."""
        for taken, found in sorted(self._untold.items(), key=lambda item: _end(item[1])):
            following = found.others.get(number)
            if self._parted or following is None or _end(found) <= following.started:
                del self._untold[taken]
                yield self._ledger.record.trials[taken]


def _end(found: ReusableTrial) -> float:
    return float(found.trial.epochs[found.trial.last_epoch]["time"])


def possible_reuse(plan: Plan, space: Space, digest: str) -> list[ReusableTrial]:
    """Whole trials of other studies that this search could draw, for a person to know."""
    if plan.fresh:
        return []
    searched = {dimension.path for dimension in space.dimensions}
    return [
        found
        for name, found in complete_trials(plan).items()
        if set(found.trial.params) <= searched
        and name == identity(from_flat({**flatten(plan.base), **found.trial.params}), digest)
    ]
