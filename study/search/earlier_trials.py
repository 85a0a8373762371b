"""The complete trials of a storage's other studies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from study.ledger import end_mark
from study.ledger.other_studies import other_records
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder, studies
from study.ledger.trial_record import TrialRecord
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
        """Whether it has figures on the test list, or its networks are there to measure.

        A study keeps the networks of its best trials only (``study/analysis/networks.py``).
        """
        trial = self.trial
        return self._has_networks(
            storage,
            [
                *([trial.measured_epoch] if trial.tested is None else []),
                *([trial.other_epoch] if trial.other_epoch and trial.other is None else []),
            ],
        )

    def has_network(self, storage: Path) -> bool:
        """Whether the network that it was measured by is still there."""
        return self._has_networks(storage, [self.trial.measured_epoch])

    def _has_networks(self, storage: Path, epochs: Sequence[int]) -> bool:
        folder = StudyFolder(storage / self.study)
        try:
            return all(folder.measured_checkpoint(self.trial, epoch).has_state for epoch in epochs)
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
            # The id does not have the objective, which chose the epoch that measures the trial, and
            # the settings of its refinement.
            chosen = None if trial.refined is None else (other.plan.objective, other.plan.mode)
            same = {trial.best_by, chosen} <= {None, objective}
            if better and same and not trial.reused and trial.has_all_epochs:
                complete[trial.id] = ReusableTrial(
                    other.plan.study, commit, trial, other.trials, other.plan.objectives
                )
    return EarlierTrials(complete, tuple(sorted(left_out)))
