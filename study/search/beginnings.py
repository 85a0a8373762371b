"""How a planned run begins: from scratch, from another's checkpoint, or from another's network."""

from collections.abc import Iterable
from dataclasses import replace

from study.ledger.events import TrialFailed
from study.ledger.json_records import Json
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import FINAL, InterruptedTrial, TrialRecord
from study.planning.dependent_runs import DependentRuns
from study.search.reuse import reusable_run, reuse_trial
from study.search.trial_events import started, take_networks
from trainables.config import from_flat, identity
from trainables.config.trial_id import of_trial
from trainables.lane.failures import FailureKind
from trainables.lane.trial_spec import TrialSpec
from trainables.proof import DamageError
from trainables.training import checkpoint


class Beginnings:
    """Turns planned runs into trials, once what they begin from is there.

    A run whose training is another's, too, takes its networks and trains nothing. A run whose
    twin's checkpoint is lost or damaged runs from scratch: that gives the same figures.
    One whose first training is lost fails, since without it, it would be another training.
    """

    def __init__(self, plan: Plan, ledger: Ledger) -> None:
        self._plan, self._ledger = plan, ledger
        self._runs = DependentRuns(plan, ledger.record)
        self._folder = StudyFolder.of(plan)

    def __getstate__(self) -> Json:
        """Nothing: Tune pickles its searcher for a restore that Edgewise never uses."""
        return {}

    @property
    def numbers(self) -> Iterable[int]:
        """Those of all runs, in order."""
        return self._runs.runs

    def waits(self, number: int) -> bool:
        return self._runs.waits(number)

    def begin(self, number: int) -> TrialSpec | None:
        """The trial of a run; None if it is reused, has taken another's networks or failed, which
        the ledger has by then, or if what it starts from is still to come."""
        run = self._with_kept_epochs(number)
        if (parent := self._runs.parents.get(number)) is not None:
            return self._after(run, parent)
        return self._beside_twin(run)

    def _with_kept_epochs(self, number: int) -> TrialSpec:
        return replace(self._runs.runs[number], kept_epochs=self._runs.kept_epochs(number))

    def _beside_twin(self, run: TrialSpec) -> TrialSpec | None:
        twin = self._runs.twin_of(run.number)
        if twin is None or self._runs.waits(run.number):
            return run
        if self._runs.is_whole(twin):
            lender = self._ledger.record.trials[twin.trial]
            if not self._can_read(lender):
                return run
            take_networks(self._ledger, run, lender)
            return None
        folders = self._folder.trial_folders(twin.trial)
        found = checkpoint.undamaged(folders, twin.epochs)
        if found is None:
            return run
        return replace(
            run, resume_from=str(found.folder), twin=twin.trial, shared_epochs=twin.epochs
        )

    def _can_read(self, lender: TrialRecord) -> bool:
        """Whether the networks that a trial is measured by are as they were written."""
        try:
            for epoch in filter(None, (lender.measured_epoch, lender.other_epoch)):
                self._folder.measured_checkpoint(lender, epoch).state()
        except DamageError:
            return False
        return True

    def _after(self, run: TrialSpec, parent: int) -> TrialSpec | None:
        first = self._ledger.record.trials.get(parent)
        if first is None or first.state not in FINAL:
            return None
        started_from = of_trial(first.id, first.measured_epoch)
        run = replace(run, config={**run.config, "model/init": started_from})
        if first.state == "complete":
            earlier = reusable_run(self._plan, run, self._ledger.record.data.digest)
            if earlier is not None:
                reuse_trial(self._ledger, run, earlier)
                return None
        try:
            return replace(run, initial=self._network(first))
        except DamageError as error:
            self._fail(run, str(error))
            return None

    def _network(self, first: TrialRecord) -> str:
        """The file of a first training's network.

        Raises:
            DamageError: that training failed, or its network is gone or damaged.
        """
        if first.state != "complete":
            why = f": {first.failure.kind}: {first.failure.message}" if first.failure else ""
            raise DamageError(f"trial {first.number}, the first training, {first.state}{why}")
        found = self._folder.measured_checkpoint(first)
        found.state()
        return str(found.folder / checkpoint.STATE)

    def _fail(self, run: TrialSpec, reason: str) -> None:
        if run.number not in self._ledger.record.trials:
            key = identity(from_flat(run.config), self._ledger.record.data.digest)
            self._ledger.append(started(run, key))
        kind = FailureKind.FIRST_TRAINING
        self._ledger.append(TrialFailed(trial=run.number, kind=kind, message=reason, traceback=""))

    def continued(self, trial: InterruptedTrial) -> TrialSpec | None:
        """How to continue an interrupted trial; None if it failed, which the ledger has by then."""
        run = replace(self._with_kept_epochs(trial.number), resume_from=trial.resume_from)
        if (parent := self._runs.parents.get(trial.number)) is None:
            return run
        record = self._ledger.record
        run = replace(run, config=record.trials[trial.number].config)
        try:
            return replace(run, initial=self._network(record.trials[parent]))
        except DamageError as error:
            if trial.resume_from:  # its own state has the network
                return run
            self._fail(run, str(error))
            return None
