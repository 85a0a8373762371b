"""The plan of a study: what it will run, decided and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from search_spaces import SPACES, Cell, Dimension, Grid, Space
from search_spaces.earlier import EARLIER
from study.ledger.html_table import html_table
from study.ledger.json_records import Json, plain
from study.ledger.prior_trials import Replayed, WarmStart
from trainables.config import TrialConfig, Value, flatten, from_flat, require
from trainables.config.earlier import changes_beside, is_earlier
from trainables.config.words import counted
from trainables.lane.trial_spec import Phase

NOT_SEARCHED, WINNER = CONFIRMED = ("not searched", "winner")
"""The cells of a confirmation: the base without the searched losses, and the search's winner."""

Correction = Literal["holm", "max_t"]
"""How the p-values of a table are corrected for its number of comparisons: Holm's step-down method
(1979), or step-down max-T (``analysis/max_t.py``)."""


@dataclass(frozen=True, kw_only=True)
class PluginText:
    """A user's plug-in, which the ledger stores as text."""

    name: str
    text: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """Trials that a sampler draws from the space, ranked on the validation list."""

    trials: int
    """Of the search itself, without those that confirm its winner."""
    sampler: str = "tpe"
    scheduler: str = "none"
    warm_start: WarmStart | None = None
    dimensions: tuple[Dimension, ...] = ()
    """Of a plug-in's space, so that a report need not execute the plug-in; else empty."""
    confirm: tuple[int, ...] = ()
    """Seeds on which the winner runs again, beside its base without the searched losses."""

    # An ablation's fields, empty: code that serves both designs need not ask which one it has.
    kind: ClassVar[str] = "search"
    cells: ClassVar[tuple[Cell, ...]] = ()
    seeds: ClassVar[tuple[int, ...]] = ()
    looks: ClassVar[tuple[int, ...]] = ()
    search_trials: ClassVar[int] = 0
    replayed: ClassVar[None] = None

    @property
    def total(self) -> int:
        """Trials in all."""
        return self.trials + len(CONFIRMED) * len(self.confirm)

    def cell_names(self, phase: Phase) -> tuple[str, ...]:
        """The cells that a trial of this phase may belong to."""
        return CONFIRMED if phase == "confirm" and self.confirm else ("",)

    def with_weights(self, changes: Mapping[str, Mapping[str, Value]]) -> "Search":
        """The search itself: the changes are those of its winner, which it does not depend on."""
        return self

    def to_json(self) -> Json:
        return {
            "trials": self.trials,
            "sampler": self.sampler,
            "scheduler": self.scheduler,
            **({"warm_start": plain(self.warm_start)} if self.warm_start else {}),
            **({"dimensions": [d.event() for d in self.dimensions]} if self.dimensions else {}),
            **({"confirm": list(self.confirm)} if self.confirm else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Cells that are compared with a baseline, all on the same seeds."""

    grid: Grid
    """A cell that cannot run here says in ``needs`` what is missing."""
    seeds: tuple[int, ...]
    search_trials: int = 0
    """Trials of each per-cell search before the comparison; 0 without these searches."""
    sampler: str = "none"
    """Sampler of the per-cell searches."""
    replayed: Replayed | None = None
    looks: tuple[int, ...] = ()
    """Numbers of seeds after which decided cells stop, ascending to all; empty: none stops."""

    kind: ClassVar[str] = "grid"
    scheduler: ClassVar[str] = "none"
    warm_start: ClassVar[None] = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that can run here."""
        return tuple(cell for cell in self.grid.cells if not cell.needs)

    @property
    def total(self) -> int:
        """Trials in all."""
        return (self.search_trials + len(self.seeds)) * len(self.cells)

    def cell_names(self, phase: Phase) -> tuple[str, ...]:
        """The cells that a trial may belong to."""
        return tuple(cell.name for cell in self.grid.cells)

    def with_weights(self, changes: Mapping[str, Mapping[str, Value]]) -> "Ablation":
        """The ablation with these changes by cell name; other cells keep theirs."""
        cells = tuple(
            replace(cell, changes=changes.get(cell.name, cell.changes)) for cell in self.grid.cells
        )
        return replace(self, grid=replace(self.grid, cells=cells))

    def to_json(self) -> Json:
        return {
            "grid": self.grid.event(),
            "seeds": list(self.seeds),
            "search_trials": self.search_trials,
            "trials": self.total,
            "sampler": self.sampler,
            "scheduler": self.scheduler,
            **({"replay": plain(self.replayed)} if self.replayed else {}),
            **({"looks": list(self.looks)} if self.looks else {}),
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class Plan:
    """A study before it runs; the first event of its ledger.

    ``storage`` and the fields below it say where the study runs, and are not in the ledger. Reading
    a plan installs nothing: ``base`` is flat, and only ``config`` needs the plan's plug-in.
    """

    study: str
    space: str
    question: str
    design: Search | Ablation
    base: Mapping[str, Value]
    """The config that all trials share, by path."""
    objectives: Mapping[str, str]
    """``max`` or ``min`` by metric; where a single metric must rank, the first one does."""
    seed: int
    lanes: int
    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    budget: Mapping[str, float] = field(default_factory=dict)
    """Upper limits of ``hours`` and ``gpu_hours``; a kind without a limit is absent."""
    correction: Correction = "holm"
    """Fixed before the first trial; ledgers without the field were planned with Holm's method."""
    smallest: float | None = None
    """The smallest effect on the objective that matters, in its own unit."""
    fresh: bool = False
    """Reuse nothing of earlier studies."""
    sharing: bool = False
    """Whether runs of a grid begin from the checkpoint of an equal one; ledgers without the field
    were planned without."""
    plugin: PluginText | None = None
    storage: Path = Path()
    tracking_uri: str = field(default="", repr=False)  # it may hold a password
    most_lanes: int = 0
    """The requested number of lanes; 0: as many as fit, also on machines that join later."""
    places: str = ""
    """On which machines the lanes run and what they wait for, formatted."""

    def __repr__(self) -> str:
        """One line: the study's name and what it will run."""
        return f"Plan({self.study!r}: {', '.join(self._summary().values())})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        facts = {"study": f"{self.study} in {self.storage}", "question": self.question}
        return html_table(facts | self._summary())

    def _summary(self) -> dict[str, str]:
        what = f"grid {self.grid.name}" if isinstance(self.design, Ablation) else "search"
        return {
            "runs": f"{what} of {self.space}",
            "trials": f"{counted(self.trials, 'trial')} of {counted(self.epochs, 'epoch')}",
            "compared by": ", ".join(self.objectives),
            "data": str(self.base["data/dataset"]),
            "lanes": counted(self.lanes, "lane"),
        }

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study

    @property
    def objective(self) -> str:
        """The metric that ranks; with several objectives, the first one."""
        return next(iter(self.objectives))

    @property
    def mode(self) -> str:
        return self.objectives[self.objective]

    @property
    def trials(self) -> int:
        """Trials in all: of searches, of comparisons and of a confirmation."""
        return self.design.total

    @property
    def epochs(self) -> int:
        return int(self.base["epochs"])

    @property
    def search(self) -> Search:
        """The design, if this is a search."""
        assert isinstance(self.design, Search), f"{self.study} is an ablation"
        return self.design

    @property
    def ablation(self) -> Ablation:
        """The design, if this is an ablation."""
        assert isinstance(self.design, Ablation), f"{self.study} is a search"
        return self.design

    @property
    def grid(self) -> Grid:
        """The ablation's grid."""
        return self.ablation.grid

    def known_space(self) -> Space:
        """The space that the plan names, as it was when the plan was written.

        Raises:
            ValueError: no space has this name here; it may be one of a plug-in.
        """
        require(self.space in SPACES, "space", f"one of {', '.join(SPACES)}", self.space)
        earlier = EARLIER if is_earlier(self.base) else {}
        return earlier.get(self.space, SPACES[self.space])

    @cached_property
    def config(self) -> TrialConfig:
        """``base`` as a typed and checked config.

        Raises:
            ValueError: a field belongs to a plug-in that is not installed.
        """
        return from_flat(self.base)

    def resolve(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """Return the complete flat config of a trial with these parameters."""
        return flatten(self.config.changed(changes_beside(self.base, params)))

    def with_weights(self, changes: Mapping[str, Mapping[str, Value]]) -> "Plan":
        """The plan with what its searches have chosen: changes by cell name."""
        return replace(self, design=self.design.with_weights(changes))
