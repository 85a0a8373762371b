"""Writes what Tune reports to the ledger. All callbacks run in the driver, its only writer."""

from pathlib import Path
from time import monotonic

from ray.tune.experiment import Trial

from study.execution.callbacks.budget import BudgetStopper
from study.execution.callbacks.driver_callback import DriverCallback
from study.execution.stopping import Faults, storage_words
from study.ledger.errors import StorageError
from study.ledger.events import (
    Changed,
    EpochEnded,
    Event,
    Finished,
    StageReady,
    Started,
    TrialFailed,
)
from study.ledger.ledger import Ledger
from trainables.config import Value, from_flat, identity
from trainables.lane.failures import Failure, FailureKind
from trainables.lane.halving import HALVED
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import FailedTrial, from_tune
from trainables.stages.registry import stage_file, stage_names

ACTOR_RESTARTS = 3
"""How often a trial's actor may die in one epoch, alone or with its machine."""
_STAGES_EVERY_S = 0.5


class LedgerWriter(DriverCallback):
    """Writes starts, epochs and ends of trials to the ledger, and passes failures to ``Faults``."""

    def __init__(
        self,
        ledger: Ledger,
        faults: Faults,
        stopper: BudgetStopper | None = None,
        digest: str = "",
    ) -> None:
        """``digest`` of the data as the lanes read it, which names their stages; "": the ledger's.

        The ledger's own still names its trials.
        """
        self._ledger, self._faults, self._stopper = ledger, faults, stopper
        self._lanes_digest = digest
        self._left_open: set[int] = set()
        """Trials that met a fault of the study's, not their own; a resumed study continues them."""

    def _append(self, event: Event) -> None:
        """Write to the ledger; where that fails, the study stops in order."""
        try:
            self._ledger.append(event)
        except StorageError as error:
            self._faults.stop(str(error))

    def _failed(self, number: int, failure: Failure) -> None:
        if self._faults.ends_all(failure):
            self._left_open.add(number)
            return
        self._append(TrialFailed(trial=number, **vars(failure)))
        self._faults.note(number, failure)

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        spec = TrialSpec.from_tune(trial.config)
        if spec.number in self._ledger.record.trials:
            return  # a trial that an earlier attempt or actor started
        config, digest = from_flat(spec.config), self._ledger.record.data.digest
        self._append(
            Started(
                trial=spec.number,
                id=identity(config, digest),
                params=spec.params,
                config=spec.config,
                cell=spec.cell,
                seed=spec.seed,
                phase=spec.phase,
                generation=spec.generation,
                stages=stage_names(config, self._lanes_digest or digest),
            )
        )

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, object],
        **info: object,
    ) -> None:
        spec, report = TrialSpec.from_tune(trial.config), from_tune(result)
        if isinstance(report, FailedTrial):
            self._failed(spec.number, report.failure)
            return
        config = {**spec.config, **report.changes}
        self._note_changes(spec.number, {path: config[path] for path in HALVED})
        record = self._ledger.record.trials.get(spec.number)  # None: its start was not written
        known = record.epochs.get(report.epoch) if record else None
        if known is not None and known.metrics == report.metrics:
            return  # an actor that replaced a dead one reports again
        self._append(
            EpochEnded(
                trial=spec.number,
                epoch=report.epoch,
                metrics=report.metrics,
                lane=report.lane,
                seconds=round(report.train_s + report.evaluate_s, 3),
                train_s=round(report.train_s, 3),
                evaluate_s=round(report.evaluate_s, 3),
                system=report.system,
                held=report.held or None,
            )
        )
        # In a study of days, each epoch has its own count of actor deaths.
        trial.max_failures = trial.num_failures + ACTOR_RESTARTS

    def _note_changes(self, number: int, current: dict[str, Value]) -> None:
        """Record that the trial restarted with a smaller batch than the ledger has."""
        record = self._ledger.record.trials.get(number)
        if record is not None and current != {path: record.config[path] for path in current}:
            config = {**record.config, **current}
            key = identity(from_flat(config), self._ledger.record.data.digest)
            self._append(Changed(trial=number, id=key, config=config))

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        record = self._ledger.record.trials.get(trial.config["number"])
        if self._stopper is not None and trial.trial_id in self._stopper.stopped:
            return  # it continues when the study gets a larger budget
        if record is None or record.state != "running" or record.number in self._left_open:
            return
        complete = record.has_all_epochs
        self._append(Finished(trial=record.number, state="complete" if complete else "pruned"))

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """The trial's actor died more often than Tune may restart it."""
        number = trial.config["number"]
        if number in self._ledger.record.trials:
            text = _error_text(trial)
            last = text.strip().splitlines()[-1] if text.strip() else "its actor died"
            kind = FailureKind.STORAGE if storage_words(text) else FailureKind.LANE
            self._failed(number, Failure(kind=kind, message=last, traceback=text))

    def on_trial_recover(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        """Tune restarts the trial's dead actor; on a full disk it would only die again."""
        if storage_words(text := _error_text(trial)):
            self._faults.ends_all(
                Failure(kind=FailureKind.STORAGE, message=text.strip(), traceback="")
            )


def _error_text(trial: Trial) -> str:
    path = trial.error_file
    return Path(path).read_text() if path and Path(path).exists() else ""


class StageWatch(DriverCallback):
    """Records every stage that a trial needs, once, as soon as its file exists."""

    def __init__(self, ledger: Ledger, folder: Path, digest: str = "") -> None:
        """``digest`` as in ``LedgerWriter``."""
        self._ledger, self._folder, self._looked = ledger, folder, 0.0
        record = ledger.record
        # Trials of an earlier attempt may have started with other code, which names stages anew.
        self._resumed = {
            name: None
            for trial in record.in_state("running")
            for name in stage_names(from_flat(trial.config), digest or record.data.digest)
        }

    def on_step_end(self, iteration: int, trials: list[Trial], **info: object) -> None:
        if monotonic() - self._looked > _STAGES_EVERY_S:
            self.look()

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, object],
        **info: object,
    ) -> None:
        self.look()  # before the trial's first epoch is written

    def look(self) -> None:
        """Record the stages whose files have appeared."""
        self._looked = monotonic()
        record = self._ledger.record
        ready = {f"{stage.kind}-{stage.key}" for stage in record.stages}
        missing = [name for name in self._resumed if name not in ready]
        for name in dict.fromkeys([*record.awaited_stages, *missing]):
            stage = stage_file(name, self._folder).record()
            if stage is not None:
                self._ledger.append(
                    StageReady(
                        kind=stage.kind,
                        key=stage.key,
                        seconds=stage.seconds,
                        reused=stage.study != record.mark,
                        remade=stage.remade and stage.study == record.mark,
                        quality=stage.quality,
                        curve=stage.curve,
                    )
                )
