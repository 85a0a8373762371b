"""Which runs of a grid begin from the checkpoint of another run of the same seed.

A run shares its first epochs with another one if their trainings are the same until then
(``trainables/training/first_difference.py``). If they are the same to the end, and only the test
differs, it shares all epochs: it takes the other's networks and trains nothing. A run of a cell
``after`` another starts from that cell's measured network.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import groupby

from study.ledger.event_values import Shared
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import FINAL, TrialRecord
from study.planning.comparison import comparing_runs
from trainables.config import TrialConfig, from_flat, identity
from trainables.lane.trial_spec import TrialSpec
from trainables.training.first_difference import first_difference, same_training


class DependentRuns:
    """The runs that a study compares, and where each may begin."""

    def __init__(self, plan: Plan, record: StudyRecord) -> None:
        """``record``: the study so far; its trials are looked at when a question needs them."""
        self._plan, self._record = plan, record
        self._ids: dict[int, str] = {}

    @cached_property
    def runs(self) -> dict[int, TrialSpec]:
        """All of them by number, in order."""
        return {run.number: run for run in comparing_runs(self._plan, self._record)}

    @cached_property
    def parents(self) -> dict[int, int]:
        """By run, the one from whose network it starts."""
        after = {cell.name: cell.after for cell in self._plan.design.cells if cell.after}
        if not after:
            return {}
        numbers = {(run.cell, run.pair): number for number, run in self.runs.items()}
        return {
            number: numbers[after[run.cell], run.pair]
            for number, run in self.runs.items()
            if run.cell in after
        }

    @cached_property
    def _offers(self) -> dict[int, list[Shared]]:
        """By run, the epochs that it has in common with earlier runs, the most first."""
        if not self._plan.sharing:
            return {}
        alone = [run for run in self.runs.values() if run.number not in self.parents]
        offers: dict[int, list[Shared]] = {}
        common: dict[tuple[str, str], int] = {}
        for _, of_seed in groupby(alone, key=lambda run: run.pair):
            runs = list(of_seed)
            common = common or _in_common(runs)
            for place, run in enumerate(runs):
                found = [
                    Shared(trial=earlier.number, epochs=epochs)
                    for earlier in runs[:place]
                    if (epochs := common[earlier.cell, run.cell])
                ]
                offers[run.number] = sorted(found, key=lambda of: (-of.epochs, of.trial))
        return offers

    def twin_of(self, number: int) -> Shared | None:
        """The earlier run from which this one saves the most epochs, of those that can give them
        or still may; None if it has to run from its first step."""
        offers = self._offers.get(number, [])
        return next((offer for offer in offers if self._can_give(offer)), None)

    def is_whole(self, offer: Shared) -> bool:
        """Whether all epochs are shared, the networks with them."""
        return offer.epochs == int(self.runs[offer.trial].config["epochs"])

    def _can_give(self, offer: Shared) -> bool:
        """Whether a run may have the checkpoint. One that another study has run, that runs with
        other code or another batch, or that shares these epochs itself, has none."""
        trial = self._record.trials.get(offer.trial)
        if trial is None:
            return True
        if self.is_whole(offer):
            return self._can_lend(trial)
        own = trial.epochs_shared
        reaches = trial.state not in FINAL or trial.last_epoch >= offer.epochs
        return trial.reused is None and own < offer.epochs and reaches and self._is_planned(trial)

    def _can_lend(self, trial: TrialRecord) -> bool:
        """Whether a run may have the networks, also those that another study still has."""
        if trial.state in ("failed", "pruned") or trial.lender or not self._is_planned(trial):
            return False
        return trial.reused is None or StudyFolder.of(self._plan).has_networks(trial)

    def _is_planned(self, trial: TrialRecord) -> bool:
        number = trial.number
        if number not in self._ids:
            config = from_flat(self.runs[number].config)
            self._ids[number] = identity(config, self._record.data.digest)
        return trial.id == self._ids[number]

    def waits(self, number: int) -> bool:
        """Whether a run could begin from another one that has not got there yet."""
        if (parent := self.parents.get(number)) is not None:
            return not self._has_ended(parent)
        twin = self.twin_of(number)
        return twin is not None and not self._has_reached(twin)

    def _has_ended(self, number: int) -> bool:
        trial = self._record.trials.get(number)
        return trial is not None and trial.state in FINAL

    def _has_reached(self, twin: Shared) -> bool:
        if self.is_whole(twin):
            return self._has_ended(twin.trial)
        trial = self._record.trials.get(twin.trial)
        return trial is not None and trial.last_epoch >= twin.epochs

    def sources(self, number: int) -> set[int]:
        """The runs from which this one may begin."""
        parent = self.parents.get(number)
        offered = {offer.trial for offer in self._offers.get(number, [])}
        return offered if parent is None else {parent}

    def kept_epochs(self, number: int) -> tuple[int, ...]:
        """The epochs after which others may begin from this run's checkpoint."""
        offers = (offer for of_run in self._offers.values() for offer in of_run)
        own = {o.epochs for o in offers if o.trial == number and not self.is_whole(o)}
        return tuple(sorted(own))

    def needed_epochs(self, number: int) -> set[int]:
        """Those among them whose checkpoint a run that has not got its own will begin from."""
        wanted = [self._wanted_by(other) for other in self._offers if other != number]
        own = [twin for twin in wanted if twin is not None and twin.trial == number]
        return {twin.epochs for twin in own if not self.is_whole(twin)}

    def _wanted_by(self, number: int) -> Shared | None:
        trial = self._record.trials.get(number)
        if trial is None:
            return self.twin_of(number)
        shared = trial.shared
        ended = shared is None or trial.state in FINAL or trial.last_epoch > shared.epochs
        return None if ended else shared

    def network_needed(self, number: int) -> bool:
        """Whether a run that starts from this one's network, or takes it, has not ended."""
        children = [child for child, parent in self.parents.items() if parent == number]
        takers = [
            other
            for other, offers in self._offers.items()
            if any(offer.trial == number and self.is_whole(offer) for offer in offers)
        ]
        return not all(self._has_ended(run) for run in (*children, *takers))

    def shared_of_left(self, reused: Collection[int] = ()) -> dict[int, int]:
        """By run that has not started, the epochs that it will share if all goes well.

        Args:
            reused: runs that another study has completed: they need no epoch, and give none.
        """
        left = self.runs.keys() - self._record.trials.keys() - set(reused)
        found = dict.fromkeys(sorted(left), 0)
        for number in found:
            offers = [o for o in self._offers.get(number, []) if o.trial not in reused]
            found[number] = max((o.epochs for o in offers if self._can_give(o)), default=0)
        return found

    def described(self, reused: Collection[int] = ()) -> str:
        """``10 cells take 2.8 trainings a seed instead of 10``; "" if no epoch is shared."""
        shared = self.shared_of_left(reused)
        if not any(shared.values()):
            return ""
        runs = [self.runs[number] for number in shared]
        saved = sum(shared[run.number] / int(run.config["epochs"]) for run in runs)
        cells, seeds = len({run.cell for run in runs}), len({run.pair for run in runs})
        all_, needed = len(runs) / seeds, (len(runs) - saved) / seeds
        each = "fold and seed" if self._plan.design.folds else "seed"
        trainings = "training" if f"{needed:.2g}" == "1" else "trainings"
        words = f"{cells} cells take {needed:.2g} {trainings} a {each} instead of {all_:.3g}"
        return "; ".join([words, *self._taking(shared)])

    def _taking(self, numbers: Iterable[int]) -> list[str]:
        """A text for each cell whose networks others take."""
        takers: dict[str, dict[str, None]] = {}
        for number in numbers:
            twin = self.twin_of(number)
            if twin is not None and self.is_whole(twin):
                cell = self.runs[number].cell
                takers.setdefault(self.runs[twin.trial].cell, {})[cell] = None
        takes = {lender: "takes" if len(cells) == 1 else "take" for lender, cells in takers.items()}
        return [
            f"{', '.join(cells)} {takes[lender]} the networks of {lender}, no training"
            for lender, cells in takers.items()
        ]

    def most_kept(self) -> int:
        """The checkpoints that the runs of one seed keep for others, if none is lost."""
        twins = {(run.pair, self.twin_of(number)) for number, run in self.runs.items()}
        counts = Counter(
            seed for seed, twin in twins if twin is not None and not self.is_whole(twin)
        )
        return max(counts.values(), default=0)


def _in_common(runs: Sequence[TrialSpec]) -> dict[tuple[str, str], int]:
    """By the cells of two runs of a seed, the epochs that both have in common."""
    configs: list[TrialConfig] = [from_flat(run.config) for run in runs]
    return {
        (runs[early].cell, runs[late].cell): _equal_epochs(configs[early], config)
        for late, config in enumerate(configs)
        for early in range(late)
    }


def _equal_epochs(early: TrialConfig, late: TrialConfig) -> int:
    """All of them, if only the test differs; else the last epoch of a run is always its own."""
    if same_training(early, late):
        return late.epochs
    return min(first_difference(early, late), late.epochs - 1)
