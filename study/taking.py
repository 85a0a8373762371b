"""Never twice, for searches: a draw that an earlier study ran to its end is taken from there.

What a search draws is known only when it draws. The same command with the same seed draws the same
trials as long as its sampler knows the same; on several lanes that depends on which trials had
ended by then. So a taken trial's result is told to the sampler when the earlier study had it:
before the draw that followed it there.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from search_spaces import Space
from study import earlier
from study.earlier import Earlier
from study.grid_plan import Run
from study.ledger import Ledger
from study.plan import Plan
from study.trial_record import TrialRecord
from trainables.config import flatten, from_flat, identity


class Taking:
    """What a search takes over, and when its results are due."""

    def __init__(self, plan: Plan, ledger: Ledger, told: Callable[[TrialRecord], None]) -> None:
        """``told`` hears of each trial that is taken over: the scheduler's stop rule."""
        self._ledger, self._told = ledger, told
        self._digest: str = ledger.record.plan["data"]["digest"]
        self._known = {} if plan.fresh else earlier.whole_trials(plan)
        self._untold: dict[int, Earlier] = {}
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
        earlier.take_over(self._ledger, run, found, **place)
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


def _end(found: Earlier) -> float:
    return float(found.trial.epochs[found.trial.last_epoch]["time"])


def possible(plan: Plan, space: Space, digest: str) -> list[Earlier]:
    """Whole trials of other studies that this search could draw, for a person to know."""
    if plan.fresh:
        return []
    searched = {dimension.path for dimension in space.dimensions}
    return [
        found for name, found in earlier.whole_trials(plan).items()
        if set(found.trial.params) <= searched and name == identity(
            from_flat({**flatten(plan.base), **found.trial.params}), digest
        )
    ]  # fmt: skip
