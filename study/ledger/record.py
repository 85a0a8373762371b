"""The state of a study, folded from the events of its ledger."""

from copy import deepcopy
from dataclasses import dataclass, field, replace

from study.ledger.design import unit_of
from study.ledger.event_values import ChosenWeights
from study.ledger.events import (
    UNLINKED_SCHEMA,
    BudgetSpent,
    Changed,
    Chosen,
    Ended,
    EpochEnded,
    Event,
    Finished,
    ImagesResampled,
    Looked,
    NetworkMeasured,
    OtherTested,
    Planned,
    Resumed,
    StageReady,
    Started,
    Tested,
    TrialFailed,
    Untested,
)
from study.ledger.plan import Plan
from study.ledger.provenance import DataFacts, Provenance
from study.ledger.trial_record import EpochRecord, State, TrialRecord
from study.ledger.usage import Usage
from trainables.lane.failures import Failure
from trainables.training.best_epoch import best_is_tested


@dataclass
class StudyRecord:
    """A study with its trials; only ``apply`` changes it."""

    planned: Planned | None = None
    """None before the first event, and for a study that was killed while writing it."""
    trials: dict[int, TrialRecord] = field(default_factory=dict)
    networks: dict[str, NetworkMeasured] = field(default_factory=dict)
    """By key, what a network costs in use."""
    stages: list[StageReady] = field(default_factory=list)
    awaited_stages: list[str] = field(default_factory=list)
    """``kind-key`` of the stages that a trial needs and that are not ready yet."""
    chosen: dict[str, ChosenWeights] = field(default_factory=dict)
    """By cell, the result of its search, if there are per-cell searches and they have ended."""
    images: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By metric, each cell's interval over resampled images."""
    looks: list[Looked] = field(default_factory=list)
    """The planned looks that were taken, in order."""
    resumed_with: list[Provenance] = field(default_factory=list)
    """The code and the machine of each later attempt, in order, where the ledger has them."""
    ended: bool = False
    budget_spent: dict[str, float] | None = None
    """Used hours by kind, if the budget ended the last attempt."""
    usage: Usage = field(default_factory=Usage)
    first_time: float = 0.0
    last_time: float = 0.0

    @property
    def plan(self) -> Plan:
        return self._first_event.plan

    @property
    def data(self) -> DataFacts:
        return self._first_event.data

    @property
    def provenance(self) -> Provenance:
        return self._first_event.provenance

    @property
    def has_checksums(self) -> bool:
        """Whether the lines of its ledger prove that nobody changed them."""
        return self.planned is None or self.planned.schema != UNLINKED_SCHEMA

    @property
    def _first_event(self) -> Planned:
        assert self.planned is not None, "the study has no plan yet"
        return self.planned

    @property
    def state(self) -> str:
        """``ended``, ``interrupted`` or ``budget spent``."""
        if self.ended:
            return "ended"
        return "interrupted" if self.budget_spent is None else "budget spent"

    @property
    def mark(self) -> str:
        """Identifies this study in the stages that it trains; a resume does not change it."""
        return f"{self.plan.study} {self.first_time:.3f}"

    def in_state(self, *states: State) -> list[TrialRecord]:
        return [trial for trial in self.trials.values() if trial.state in states]

    def compared(self) -> "StudyRecord":
        """The same study without the trials of the per-cell searches."""
        trials = {number: trial for number, trial in self.trials.items() if trial.phase == ""}
        return self if len(trials) == len(self.trials) else replace(self, trials=trials)

    def searched(self) -> "StudyRecord":
        """The same study without the trials that confirm a search's winner."""
        trials = {n: trial for n, trial in self.trials.items() if trial.phase != "confirm"}
        return self if len(trials) == len(self.trials) else replace(self, trials=trials)

    def copy(self) -> "StudyRecord":
        """Return an independent copy, for a thread that folds later events into it."""
        return deepcopy(self)

    def apply(self, event: Event) -> None:
        """Fold one event in.

        Raises:
            KeyError: the event's trial has not started.
        """
        self.first_time = self.first_time or event.time
        self.last_time = event.time
        self.usage.apply(event)
        match event:
            case Planned():
                self.planned = event
            case Resumed():
                self._resume(event)
            case NetworkMeasured(key=key):
                self.networks[key] = event
            case StageReady():
                self.stages.append(event)
                name = f"{event.kind}-{event.key}"
                self.awaited_stages = [stage for stage in self.awaited_stages if stage != name]
            case Chosen(cells=cells):
                self.chosen = cells
                changes = {name: chosen.changes for name, chosen in cells.items()}
                plan = self.plan.with_weights(changes)
                self.planned = replace(self._first_event, plan=plan)
            case ImagesResampled(metrics=metrics):
                self.images = metrics
            case Looked():
                self.looks.append(event)
            case BudgetSpent(used=used):
                self.budget_spent = used
            case Ended():
                self.ended = True
            case _:
                self._apply_to_trial(event)

    def _apply_to_trial(self, event: Event) -> None:
        match event:
            case Started():
                self._start(event)
            case Changed(trial=number):
                trial = self.trials[number]
                trial.id, trial.config, trial.epochs = event.id, event.config, {}
                trial.shared = trial.lender = None
            case EpochEnded(trial=number):
                self.trials[number].epochs[event.epoch] = EpochRecord(
                    metrics=event.metrics,
                    seconds=event.seconds,
                    lane=event.lane,
                    time=event.time,
                    train_s=event.train_s,
                    system=event.system,
                    held=event.held,
                    iterations=event.iterations,
                )
            case Finished(trial=number, state=state):
                self.trials[number].state = state
            case TrialFailed(trial=number):
                trial = self.trials[number]
                trial.state = "failed"
                trial.failure = Failure(
                    kind=event.kind, message=event.message, traceback=event.traceback
                )
            case Tested(trial=number, metrics=metrics):
                trial = self.trials[number]
                trial.tested, trial.untested, trial.refined = metrics, "", event.refined
            case Untested(trial=number, reason=reason):
                self.trials[number].untested = reason
            case OtherTested(trial=number):
                self.trials[number].other = event

    def _start(self, event: Started) -> None:
        seed = int(event.config.get("seed", 0)) if event.seed is None else event.seed
        folds = self.plan.design.folds
        fold = int(event.config.get("data/fold", 0)) if folds else 0
        self.trials[event.trial] = TrialRecord(
            number=event.trial,
            id=event.id,
            params=event.params,
            config=event.config,
            started=event.time,
            cell=event.cell,
            seed=seed,
            fold=fold,
            unit=unit_of(seed, fold, folds),
            phase=event.phase,
            generation=event.generation,
            stages=tuple(event.stages),
            reused=event.reused,
            shared=event.shared,
            lender=self._lender(event),
            best_by=self._best_by(event),
        )
        ready = {f"{stage.kind}-{stage.key}" for stage in self.stages}
        known = {*ready, *self.awaited_stages}
        self.awaited_stages += [name for name in event.stages if name not in known]

    def _lender(self, event: Started) -> TrialRecord | None:
        shared = event.shared
        whole = shared is not None and shared.epochs == event.config["epochs"]
        return self.trials[shared.trial] if shared is not None and whole else None

    def _best_by(self, event: Started) -> tuple[str, str] | None:
        tested = best_is_tested(event.config)
        return (self.plan.objective, self.plan.mode) if tested else None

    def _resume(self, event: Resumed) -> None:
        """Drop the epochs after each trial's checkpoint: they are lost and will run again."""
        self.ended, self.budget_spent = False, None
        self.resumed_with += [event.provenance] if event.provenance else []
        if event.budget is not None:
            plan = replace(self.plan, budget=event.budget)
            self.planned = replace(self._first_event, plan=plan)
        for number, last in event.continue_after.items():
            trial = self.trials[number]
            trial.epochs = {epoch: trial.epochs[epoch] for epoch in trial.epochs if epoch <= last}
            if trial.shared is not None and last < trial.shared.epochs:
                trial.shared = trial.lender = None  # it runs them itself now
