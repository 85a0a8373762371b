"""From Tune's callbacks to the ledger. Runs in the driver: one writer."""

from pathlib import Path
from time import monotonic
from typing import Any

from ray import tune

from study.execution.callbacks.budget import BudgetStopper
from study.execution.stopping import Faults, storage_words
from study.ledger.ledger import Ledger, StorageError
from trainables.config import from_flat, identity
from trainables.lane.failures import FailureKind
from trainables.lane.halving import HALVED
from trainables.metrics.catalog import METRICS
from trainables.stages.registry import stage_file, stage_names

ACTOR_RESTARTS = 3
"""Deaths of a trial's actor (with its machine, perhaps) in one epoch; one more fails the trial."""


class LedgerWriter(tune.Callback):
    """Writes what Tune reports to the ledger, and has faults judged."""

    def __init__(
        self, ledger: Ledger, faults: Faults, stopper: BudgetStopper | None = None
    ) -> None:
        self.ledger, self.faults, self._stopper = ledger, faults, stopper
        self._left_open: set[int] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that Edgewise never asks of it."""
        return {}

    def _append(self, event: str, **fields: Any) -> None:
        """Into the ledger; where it cannot be written the study stops, in good order."""
        try:
            self.ledger.append(event, **fields)
        except StorageError as error:
            self.faults.stop(str(error))

    def _failed(self, number: int, failure: dict[str, Any]) -> None:
        """The trial's end, unless the fault is not its own: then it goes on with the study."""
        if self.faults.ends_all(failure):
            self._left_open.add(number)
            return
        self._append("failed", trial=number, **failure)
        self.faults.note(number, failure)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        config = trial.config
        if config["number"] not in self.ledger.record.trials:
            resolved = from_flat(config["config"])
            digest = self.ledger.record.plan["data"]["digest"]
            place = {
                name: config[name]
                for name in ("cell", "seed", "generation", "phase")
                if name in config
            }
            self._append(
                "started",
                trial=config["number"],
                id=identity(resolved, digest),
                params=config["params"],
                config=config["config"],
                stages=stage_names(resolved, digest),
                **place,
            )

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        number = trial.config["number"]
        if failure := result.get("failure"):
            self._failed(number, failure)
            return
        ran = {**trial.config["config"], **result.get("changes", {})}
        self._note_changes(number, {path: ran[path] for path in HALVED})
        metrics = {
            name: value
            for name, value in result.items()
            if name in METRICS or name.startswith("train/")
        }
        record = self.ledger.record.trials.get(number)
        if record and record.epochs.get(result["epoch"], {}).get("metrics") == metrics:
            return  # told again by an actor that took a dead one's place
        self._append(
            "epoch",
            trial=number,
            epoch=result["epoch"],
            metrics=metrics,
            lane=result["lane"],
            seconds=round(result["train_s"] + result["evaluate_s"], 3),
            train_s=round(result["train_s"], 3),
            evaluate_s=round(result["evaluate_s"], 3),
            system=result["system"],
        )
        trial.max_failures = trial.num_failures + ACTOR_RESTARTS  # of days, each epoch counts anew

    def _note_changes(self, number: int, ran: dict[str, Any]) -> None:
        """It began again with fewer images at once than the ledger has, or with more again."""
        record = self.ledger.record.trials.get(number)
        if record is not None and ran != {path: record.config[path] for path in ran}:
            config = {**record.config, **ran}
            digest = identity(from_flat(config), self.ledger.record.plan["data"]["digest"])
            self._append("changed", trial=number, id=digest, config=config)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        record = self.ledger.record.trials.get(trial.config["number"])
        if self._stopper is not None and trial.trial_id in self._stopper.cut:
            return  # it goes on when the study is given more
        if record is None or record.state != "running" or record.number in self._left_open:
            return
        state = "complete" if record.whole else "pruned"
        self._append("finished", trial=record.number, state=state)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial's actor died more often than Tune is told to bring it back."""
        number = trial.config["number"]
        if number in self.ledger.record.trials:
            text = _error_text(trial)
            last = text.strip().splitlines()[-1] if text.strip() else "its actor died"
            kind = FailureKind.STORAGE if storage_words(text) else FailureKind.LANE
            self._failed(number, {"kind": kind, "message": last, "traceback": text})

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Its actor died and Tune brings it back; where the disk is full it would die again."""
        if storage_words(text := _error_text(trial)):
            self.faults.ends_all({"kind": FailureKind.STORAGE, "message": text.strip()})


def _error_text(trial: Any) -> str:
    path = trial.error_file
    return Path(path).read_text() if path and Path(path).exists() else ""


_STAGES_EVERY_S = 0.5


class StageWatch(tune.Callback):
    """Records every stage that a trial needs, once, as soon as its file is there."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger: Ledger | None = ledger
        self.folder, self.looked = folder, 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that Edgewise never asks of it."""
        return {"_ledger": None, "folder": self.folder, "looked": 0.0}

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if monotonic() - self.looked > _STAGES_EVERY_S:
            self.look()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self.look()  # before its first epoch is written

    def look(self) -> None:
        """Write down what has appeared; reused is what another study has trained."""
        self.looked = monotonic()
        assert self._ledger is not None
        for name in list(self._ledger.record.awaited_stages):
            made = stage_file(name, self.folder).record()
            if made is not None:
                self._ledger.append(
                    "stage",
                    kind=made.kind,
                    key=made.key,
                    seconds=made.seconds,
                    reused=made.study != self._ledger.record.mark,
                    quality=made.quality,
                    curve=made.curve,
                )
