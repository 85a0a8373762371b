"""The state of one trial, folded from the events of a ledger."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from study.ledger.event_values import Metrics, Reused, Shared
from study.ledger.tested import OtherTested, Refined
from trainables.config import Value
from trainables.lane.failures import Failure
from trainables.lane.trial_spec import Phase
from trainables.training.best_epoch import best_epoch, both_are_tested
from trainables.training.iterations import Iterations

State = Literal["running", "complete", "pruned", "failed"]
FINAL: tuple[State, ...] = ("complete", "pruned", "failed")
"""States that a trial does not leave."""


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """The results of one epoch."""

    metrics: Metrics
    seconds: float
    """Training and evaluation together."""
    lane: str
    time: float
    train_s: float | None = None
    system: dict[str, float] = field(default_factory=dict)
    held: dict[str, Value] | None = None
    """As in ``EpochEnded``."""
    iterations: Iterations | None = None
    """Loss terms by iteration, thinned; None in ledgers of earlier versions."""


@dataclass
class TrialRecord:
    """A trial; its metrics are those of the epoch that it is measured by."""

    number: int
    id: str
    """Hash of the resolved config and the data."""
    params: dict[str, Value]
    """The parameters that the space or the cell sets, by path."""
    config: dict[str, Value]
    """The complete config, by path."""
    started: float = 0.0
    state: State = "running"
    epochs: dict[int, EpochRecord] = field(default_factory=dict)
    failure: Failure | None = None
    cell: str = ""
    """The cell of an ablation or of a confirmation; "" in a search."""
    seed: int = 0
    fold: int = 0
    """The fold that tests it, from 1, in a study over folds; 0 in others."""
    unit: int = -1
    """What pairs it with runs of other cells: see ``Ablation.units``; -1 becomes the seed."""
    phase: Phase = ""
    tested: Metrics | None = None
    """Metrics on the test list, named ``test_...``; None if it was not measured there."""
    untested: str = ""
    """Why it could not be measured on the test list; "" if it was, or nobody tried."""
    refined: Refined | None = None
    """What the validation list has decided of the refinement of its test."""
    generation: int | None = None
    """With NSGA-II, the trial's generation; it descends from the one before."""
    reused: Reused | None = None
    """The origin of the results, if another study ran the trial."""
    shared: Shared | None = None
    """Whose first epochs it has, if it did not run them itself; they have 0 seconds here."""
    lender: "TrialRecord | None" = None
    """The trial whose networks it has, if it shares all epochs and only its test is another."""
    stages: tuple[str, ...] = ()
    """``kind-key`` of the stages that it uses."""
    best_by: tuple[str, str] | None = None
    """The metric and its direction by which an epoch is the best; None: no best one is tested."""
    other: OtherTested | None = None
    """The test of its other network, where both are requested; None before it."""

    def __post_init__(self) -> None:
        self.unit = self.seed if self.unit < 0 else self.unit

    @property
    def where(self) -> str:
        """``seed 3``, or ``fold 2, seed 3``."""
        return f"fold {self.fold}, seed {self.seed}" if self.fold else f"seed {self.seed}"

    @property
    def folder(self) -> str:
        """The name of its folders in the study's folder."""
        return f"trial-{self.number:04d}"

    @property
    def last_epoch(self) -> int:
        return max(self.epochs, default=0)

    @property
    def measured_epoch(self) -> int:
        """The epoch whose network stands for the trial: the last one that it reached, or the best
        by the objective on the validation list (``eval/checkpoint``); 0 before the first."""
        return self._best_epoch if self._by_best else self.last_epoch

    @property
    def other_epoch(self) -> int | None:
        """The epoch whose network is tested beside the measured one (``eval/both_checkpoints``),
        which may be the same epoch; None if only one is tested."""
        if not both_are_tested(self.config):
            return None
        return self.last_epoch if self._by_best else self._best_epoch

    @property
    def _by_best(self) -> bool:
        return self.config.get("eval/checkpoint") == "best"

    @property
    def _best_epoch(self) -> int:
        if self.best_by is None:
            return self.last_epoch
        metric, mode = self.best_by
        values = {number: epoch.metrics.get(metric) for number, epoch in self.epochs.items()}
        return best_epoch(values, mode) or self.last_epoch

    @property
    def epochs_shared(self) -> int:
        """How many of its first epochs another trial ran."""
        return 0 if self.shared is None else self.shared.epochs

    @property
    def decided_config(self) -> dict[str, Value]:
        """The config with what the validation list has decided of its refinement."""
        return {**self.config, **(self.refined.chosen if self.refined else {})}

    @property
    def has_all_epochs(self) -> bool:
        return self.last_epoch >= int(self.config["epochs"])

    @property
    def seconds(self) -> float:
        """Duration of all its epochs, without those that a resume lost."""
        return sum(epoch.seconds for epoch in self.epochs.values())

    @property
    def metrics(self) -> Metrics:
        """Metrics of the measured epoch; empty before the first one."""
        return self.epochs[self.measured_epoch].metrics if self.epochs else {}

    @property
    def held(self) -> dict[str, Value]:
        """Those of its parameters that training used, with their values; empty in older ledgers."""
        held = [self.epochs[number].held or {} for number in sorted(self.epochs)]
        return {path: value for each in held for path, value in each.items()}

    @property
    def lane(self) -> str:
        return self.epochs[self.last_epoch].lane if self.epochs else ""

    def value(self, objective: str) -> float | None:
        """The objective after the measured epoch; None if it is undefined."""
        return self.metrics.get(objective)

    def values(self, objectives: Iterable[str]) -> list[float] | None:
        """All these objectives after the measured epoch; None if one is undefined."""
        all_values = [self.value(name) for name in objectives]
        defined = [value for value in all_values if value is not None]
        return defined if len(defined) == len(all_values) else None


@dataclass(frozen=True)
class InterruptedTrial:
    """A trial that an earlier attempt started and this attempt continues."""

    number: int
    params: dict[str, Value]
    resume_from: str
    """Folder of its last complete checkpoint; "" if it has none and starts again."""
