"""The two designs of a study: a search, or a comparison of cells."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from search_spaces import Cell, Dimension, Grid
from study.ledger.json_records import Json, plain
from study.ledger.prior_trials import Replayed, WarmStart
from trainables.config import Value
from trainables.lane.trial_spec import Phase

NOT_SEARCHED, WINNER = CONFIRMED = ("not searched", "winner")
"""The cells of a confirmation: the base without the searched losses, and the search's winner."""


def unit_of(seed: int, fold: int, folds: int) -> int:
    """The number of a pair of seed and fold, 1 .. ``folds``; without folds, the seed."""
    return seed * folds + fold - 1 if folds else seed


def seed_and_fold(unit: int, folds: int) -> tuple[int, int]:
    """What ``unit_of`` was given; the fold is 0 without folds."""
    return (unit // folds, unit % folds + 1) if folds else (unit, 0)


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
    units: ClassVar[tuple[int, ...]] = ()
    folds: ClassVar[int] = 0
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
    folds: int = 0
    """On how many folds of the data each cell runs with every seed; 0: on the dataset's lists."""
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
        return (self.search_trials + len(self.units)) * len(self.cells)

    @property
    def units(self) -> tuple[int, ...]:
        """What each cell runs on, in order: its seeds, or every seed with every fold, as numbers
        that ``unit_of`` gives. Runs of two cells on one unit are a pair."""
        folds = range(1, self.folds + 1) if self.folds else (0,)
        return tuple(unit_of(seed, fold, self.folds) for seed in self.seeds for fold in folds)

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
            **({"folds": self.folds} if self.folds else {}),
        }
