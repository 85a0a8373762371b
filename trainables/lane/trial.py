"""Tune's side of one trial: a class trainable whose steps are epochs on a warm lane.

With ``reuse_actors=True`` Tune hands this object from one trial to the next; the lane stays up.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

import ray
from ray import tune

from trainables.config.trial_id import is_of_trial
from trainables.config.validation import Value
from trainables.lane.failures import Failure, FailureKind
from trainables.lane.halving import halved
from trainables.lane.idle_timer import IdleTimer
from trainables.lane.lane import Lane, LaneDied, LaneRestarted
from trainables.lane.mailbox import Diverged, Epoch, EpochResult, LaneSettings, Save, Saved, Start
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, FailedTrial, from_tune, to_tune
from trainables.training import checkpoint, retention, snapshots
from trainables.training.batch_fit import short_on_cpu
from trainables.training.best_epoch import best_is_tested

_GROUPS_PER_EPOCH = 5
"""Worker groups that may die in one epoch before the trial counts as their cause."""
_IDLE_S = 20.0
"""Tune keeps an actor for trials that may never come. An idle actor closes its lane, because lanes
that lost a machine, or another study, may wait for the resources."""
_CHECKPOINTS = 2
"""The newest checkpoints that stay: an interruption may leave the very last one incomplete."""
_LOST = (LaneRestarted, LaneDied, ray.exceptions.ObjectLostError)
"""Errors that lose the lane's answer; the epoch is then repeated."""

Answer = EpochResult | Diverged | Failure


class Trial(tune.Trainable):
    """Runs trials one after the other on one lane.

    Tune's config is a ``TrialSpec``, its result an ``EpochReport`` or a ``FailedTrial``, both as
    dicts. A failure ends the trial without ending the lane.
    """

    lane: Lane | None = None
    lane_name = ""

    def setup(self, config: Mapping[str, object], settings: LaneSettings | None = None) -> None:
        assert settings is not None
        self.settings = settings
        self.idle_timer = IdleTimer(self._close_lane, _IDLE_S)
        self._begin(TrialSpec.from_tune(config))

    def reset_config(self, new_config: Mapping[str, object]) -> bool:
        self._begin(TrialSpec.from_tune(new_config))
        return True

    def _begin(self, spec: TrialSpec) -> None:
        """Switch to a trial. The lane receives it only with its first epoch."""
        self.flat, self.initial = spec.config, spec.initial
        self.kept_epochs = frozenset(spec.kept_epochs)
        self.params = spec.params
        self.held: dict[str, Value] = {}
        self.changes: dict[str, int] = {}
        self.state: ray.ObjectRef | None = None
        self.epoch = 0
        self.start_s: float | None = None
        self.started = False
        self.assigned_s = monotonic()
        self.folder = checkpoint.trial_folder(Path(self.settings.checkpoints), spec.number)
        self.unreported: EpochReport | FailedTrial | None = None
        if (latest := checkpoint.latest([self.folder])) is not None:
            self._continue_from(latest)
            # The actor before this one may have died after it wrote and before it reported.
            self.unreported = from_tune(latest.result)
        elif spec.resume_from:
            self._continue_from(checkpoint.read(Path(spec.resume_from)))

    def _continue_from(self, saved: checkpoint.Checkpoint) -> None:
        self.state, self.epoch = ray.put(saved.state()), saved.epoch
        self._change(saved.changes)

    def _change(self, changes: dict[str, int]) -> None:
        self.changes = changes
        self.flat = {**self.flat, **changes}
        self.started = False

    def step(self) -> dict[str, object]:
        """Run one epoch and write its checkpoint; repeat it when the worker group dies."""
        if (unreported := self.unreported) is not None:
            self.unreported = None
            return to_tune(unreported)
        with self.idle_timer.paused():
            answer = self._epoch_on_some_lane()
            out_of_memory = isinstance(answer, Failure) and answer.kind == FailureKind.MEMORY
            if out_of_memory and self._halve():
                answer = self._epoch_on_some_lane()
            if not isinstance(answer, EpochResult):
                return to_tune(self._failed(answer))
            result = to_tune(self._report(answer))
            self._save(result)
            return result

    def _epoch_on_some_lane(self) -> Answer:
        for _ in range(_GROUPS_PER_EPOCH):
            try:
                return self._ask_epoch()
            except _LOST as error:
                self._forget(error)
                last = error
            if isinstance(last, LaneRestarted) and last.shortage:
                short = f"{short_on_cpu(self.flat)}\n{last.shortage}"
                return Failure(FailureKind.MEMORY, short)
        died = f"{_GROUPS_PER_EPOCH} worker groups died in epoch {self.epoch + 1}"
        return Failure(FailureKind.LANE, f"{died}; the last: {last}")

    def _ask_epoch(self) -> Answer:
        """Run the next epoch, from the last checkpoint if the lane does not have the trial."""
        self.start_s = None
        if not self.started:
            answer = self._lane().ask(Start(self._to_run(), self.state))
            if isinstance(answer, Failure):
                return answer
            self.started = True
            self.start_s = monotonic() - self.assigned_s
        return self._lane().ask(Epoch())

    def _to_run(self) -> dict[str, Value]:
        """The config with the file that its initial network lies in, unless it has a state."""
        if not is_of_trial(str(self.flat.get("model/init", ""))):
            return self.flat
        return {**self.flat, "model/init": "" if self.state is not None else self.initial}

    def _forget(self, error: Exception) -> None:
        """Discard what the lane had not saved, and the lane itself if it died."""
        self.started = False
        if isinstance(error, LaneDied):
            self._close_lane()

    def _halve(self) -> bool:
        """Restart the trial with half the batch, once, if the settings and the batch allow it."""
        changes = halved(self.flat, self.settings.workers)
        if self.settings.on_oom != "halve" or self.changes or not changes:
            return False
        if any(epoch <= self.epoch for epoch in self.kept_epochs):
            return False  # others may have begun from its epochs with the larger batch
        # Epochs with the larger batch are of another config: never resume from them.
        self.state, self.epoch = None, 0
        shutil.rmtree(self.folder, ignore_errors=True)
        self._change(changes)
        return True

    def _lane(self) -> Lane:
        if self.lane is None:
            self.lane = Lane(self.settings)
            self.lane_name = self.lane.name
        return self.lane

    def _close_lane(self) -> None:
        """End the lane; the next step starts another."""
        if self.lane is not None:
            self.lane.close()
        self.lane, self.started = None, False

    def _report(self, answer: EpochResult) -> EpochReport:
        self.epoch = answer.epoch
        held = {path: answer.held[path] for path in self.params if path in answer.held}
        new, self.held = held if held != self.held else {}, held
        return EpochReport(
            epoch=self.epoch,
            metrics=answer.metrics,
            lane=self.lane_name,
            train_s=answer.train_s,
            evaluate_s=answer.evaluate_s,
            system=answer.system,
            iterations=answer.iterations,
            changes=self.changes,
            start_s=self.start_s,
            held=new,
            done=self.epoch >= int(self.flat["epochs"]),
        )

    def _failed(self, answer: Diverged | Failure) -> FailedTrial:
        self.started = False  # the lane's ranks may have dropped the trial
        if isinstance(answer, Diverged):
            answer = Failure(FailureKind.DIVERGED, answer.message)
        return FailedTrial(failure=answer, epoch=self.epoch, lane=self.lane_name)

    def _save(self, result: dict[str, object]) -> None:
        """Write rank 0's state as a checkpoint.

        Tune's own checkpoints would cost one more task per epoch, and the ledger could hold an
        epoch without one.
        """
        state, saved = self._saved()
        self.state = ray.put(state)  # a copy that outlives the worker that owns saved.state
        checkpoint.write(
            checkpoint.folder_of(self.folder, self.epoch),
            self.epoch,
            state,
            saved.predictions,
            saved.counts,
            self.changes,
            result,
            saved.task_predictions,
        )
        best_by = self.settings.objective if best_is_tested(self.flat) else None
        retention.keep(self.folder, _CHECKPOINTS, best_by, self.kept_epochs)
        epochs = int(self.flat["epochs"])
        snapshots.write(self.folder, self.epoch, epochs, saved.predictions)

    def _saved(self) -> tuple[bytes, Saved]:
        """Rank 0's state, and what else its checkpoint holds.

        The group may die between the epoch and this call; the epoch is then repeated.
        """
        for _ in range(_GROUPS_PER_EPOCH):
            try:
                answer = None if self.started else self._ask_epoch()
                saved = answer if isinstance(answer, Failure) else self._lane().ask(Save())
                if isinstance(saved, Failure):
                    raise RuntimeError(f"{saved.message}\n{saved.traceback}")
                assert saved is not None, "rank 0 answers"
                return ray.get(saved.state), saved
            except _LOST as error:
                self._forget(error)
        raise RuntimeError(
            f"{_GROUPS_PER_EPOCH} worker groups died before epoch {self.epoch} was saved"
        )

    def cleanup(self) -> None:
        self.idle_timer.stop()
        self._close_lane()
