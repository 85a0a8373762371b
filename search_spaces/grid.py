"""Ablations: named cells that are compared with a baseline, all on the same seeds.

A cell is a change to the user's config. Papers' tables (``tables/``) hold their figures beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from search_spaces.setup import Setup, SetupEvent, setup_from_event
from search_spaces.space import Dimension, DimensionEvent, Space, Value, dimension_from_event

Changes = Mapping[str, Value]
Published = Mapping[str, Mapping[str, float]]
"""Name of a setup -> metric -> value, as fractions."""
ByClass = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Name of a setup -> metric -> class -> value, as fractions."""


def percent(setup: str, **values: float) -> dict[str, dict[str, float]]:
    """A paper's figures for one setup, printed there in percent, as ``Published`` fractions."""
    return {setup: {metric: round(value / 100, 5) for metric, value in values.items()}}


class CellEvent(TypedDict):
    """A cell in the ledger."""

    name: str
    changes: dict[str, Value]
    needs: str
    published: dict[str, dict[str, float]]
    searched: NotRequired[list[DimensionEvent]]
    """Absent where nothing is searched, as in ledgers older than the field."""
    class_published: NotRequired[dict[str, dict[str, dict[str, float]]]]
    """Absent where the paper has no figures by class."""
    gains: NotRequired[dict[str, dict[str, float]]]
    """Absent where the paper has figures, not only differences."""
    against: NotRequired[str]
    """Absent where a cell is compared with the grid's baseline."""
    after: NotRequired[str]
    """Absent where training starts as the config says."""


class GridEvent(TypedDict):
    """A grid in the ledger."""

    name: str
    question: str
    source: str
    baseline: str
    cells: list[CellEvent]
    setups: NotRequired[list[SetupEvent]]
    """Absent where there are no published figures, as in ledgers older than the field."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One row of an ablation table."""

    name: str
    changes: Changes
    """``{path: value}``: what differs from the user's config."""

    published: Published = field(default_factory=dict)
    """The paper's figures."""

    class_published: ByClass = field(default_factory=dict)
    """The paper's figures by class."""

    gains: Published = field(default_factory=dict)
    """Differences from the baseline, where a paper has no figures, or these are of other seeds."""

    needs: str = ""
    """What this cell needs and Edgewise does not have; "" if the cell can run."""

    against: str = ""
    """The cell that this one is compared with, itself for a further baseline; "": the grid's."""

    searched: tuple[Dimension, ...] = ()
    """What is searched before the comparison; the search starts from ``changes``."""

    after: str = ""
    """An earlier cell from whose trained network of the same seed this one starts: the network that
    the cell is measured by. "": training starts as the config says."""

    def space(self) -> Space:
        """The per-cell search."""
        return Space(
            name=self.name,
            question=f"Which {self.name}?",
            dimensions=self.searched,
            base=self.changes,
        )

    def event(self) -> CellEvent:
        """The cell as the ledger stores it."""
        event: CellEvent = {
            "name": self.name,
            "changes": dict(self.changes),
            "needs": self.needs,
            "published": {setup: dict(row) for setup, row in self.published.items()},
        }
        if self.searched:
            event["searched"] = [dimension.event() for dimension in self.searched]
        if self.class_published:
            event["class_published"] = {
                setup: {metric: dict(by_class) for metric, by_class in metrics.items()}
                for setup, metrics in self.class_published.items()
            }
        if self.gains:
            event["gains"] = {setup: dict(row) for setup, row in self.gains.items()}
        if self.against:
            event["against"] = self.against
        if self.after:
            event["after"] = self.after
        return event


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells, and the baseline with which all others are compared, unless a cell names its own.

    Raises:
        ValueError: two cells with the same name or changes, two setups with the same name, a
            baseline that is not a cell, or a cell ``after`` none of those before it.
    """

    name: str
    question: str
    source: str
    baseline: str
    cells: tuple[Cell, ...]
    setups: tuple[Setup, ...] = ()
    """How the published figures were measured; those of others are known by their name alone."""

    films: bool = field(default=False, compare=False)
    """Whether it is about networks that follow an object. Planning reads it; no ledger has it."""

    def __post_init__(self) -> None:
        names = [cell.name for cell in self.cells]
        if self.baseline not in names:
            raise ValueError(f"baseline must be one of {', '.join(names)}, got {self.baseline!r}")
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"cells must have different names, got {', '.join(sorted(doubled))}")
        setups = [setup.name for setup in self.setups]
        if len(set(setups)) < len(setups):
            raise ValueError(f"setups must have different names, got {', '.join(setups)}")
        _check_different(self.cells)
        for place, cell in enumerate(self.cells):
            _check_against(cell, self.cells)
            _check_after(cell, names[:place])
        if any(cell.after for cell in self.cells) and any(cell.searched for cell in self.cells):
            raise ValueError("cells must not search in a grid where one starts after another")

    def cell(self, name: str) -> Cell:
        return next(cell for cell in self.cells if cell.name == name)

    def baseline_of(self, name: str) -> str:
        """The cell that a cell is compared with; a baseline is its own."""
        return self.cell(name).against or self.baseline

    def is_baseline(self, name: str) -> bool:
        return self.baseline_of(name) == name

    @property
    def baseline_by_cell(self) -> dict[str, str]:
        return {cell.name: self.baseline_of(cell.name) for cell in self.cells}

    @property
    def baselines(self) -> list[str]:
        """Those that others are compared with: one, unless a table has several networks; of several
        those that can run, if any can."""
        found = [cell for cell in self.cells if self.is_baseline(cell.name)]
        run = [cell.name for cell in found if not cell.needs]
        return run or [cell.name for cell in found]

    def decided(self) -> list[str]:
        """Every config path that a cell sets, whether or not a per-cell search starts from it."""
        return list(dict.fromkeys(path for cell in self.cells for path in cell.changes))

    def event(self) -> GridEvent:
        """The grid as the ledger stores it."""
        event: GridEvent = {
            "name": self.name,
            "question": self.question,
            "source": self.source,
            "baseline": self.baseline,
            "cells": [cell.event() for cell in self.cells],
        }
        if self.setups:
            event["setups"] = [setup.event() for setup in self.setups]
        return event

    def setup_names(self) -> list[str]:
        """Every setup that a cell has figures of, the described ones first."""
        named = {
            name: None
            for cell in self.cells
            for name in (*cell.published, *cell.gains, *cell.class_published)
        }
        described = [setup.name for setup in self.setups if setup.name in named]
        return list(dict.fromkeys([*described, *named]))


def _check_different(cells: Sequence[Cell]) -> None:
    # Cells that cannot run may repeat the changes of others; they only show figures.
    ours = [cell for cell in cells if not cell.needs]
    for place, cell in enumerate(ours):
        for other in ours[:place]:
            if (dict(cell.changes), cell.after) == (dict(other.changes), other.after):
                raise ValueError(f"cells must differ, got {other.name!r} and {cell.name!r}")


def _check_against(cell: Cell, cells: Sequence[Cell]) -> None:
    baselines = [other.name for other in cells if other.against == other.name]
    if cell.against and cell.against not in baselines:
        raise ValueError(f"{cell.name}: must be against a baseline, got {cell.against!r}")


def _check_after(cell: Cell, earlier: Sequence[str]) -> None:
    if cell.after and cell.after not in earlier:
        allowed = f"a cell before it: {', '.join(earlier) or 'there is none'}"
        raise ValueError(f"after of {cell.name!r} must be {allowed}, got {cell.after!r}")


def grid_from_event(event: GridEvent) -> Grid:
    """The grid of an event in the ledger."""
    return Grid(
        name=event["name"],
        question=event["question"],
        source=event["source"],
        baseline=event["baseline"],
        cells=tuple(_cell_from_event(cell) for cell in event["cells"]),
        setups=tuple(setup_from_event(setup) for setup in event.get("setups", ())),
    )


def _cell_from_event(event: CellEvent) -> Cell:
    return Cell(
        name=event["name"],
        changes=event["changes"],
        published=event.get("published", {}),
        needs=event.get("needs", ""),
        class_published=event.get("class_published", {}),
        gains=event.get("gains", {}),
        against=event.get("against", ""),
        searched=tuple(dimension_from_event(found) for found in event.get("searched", ())),
        after=event.get("after", ""),
    )
