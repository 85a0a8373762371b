"""Ablations: named cells that are compared with a baseline, all on the same seeds.

A cell is a change to the user's config. The papers' tables are grids whose cells hold the papers'
figures (``tables/``); a user's grid is made from factors by one of the four functions below.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NotRequired, TypedDict

from search_spaces.space import Dimension, DimensionEvent, Space, Value, dimension_from_event

Changes = Mapping[str, Value]
Published = Mapping[str, Mapping[str, float]]
"""Setup (network, dataset, split) -> metric -> value, as fractions."""


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


class GridEvent(TypedDict):
    """A grid in the ledger."""

    name: str
    question: str
    source: str
    baseline: str
    cells: list[CellEvent]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One row of an ablation table."""

    name: str
    changes: Changes
    """``{path: value}``: what differs from the user's config."""

    published: Published = field(default_factory=dict)
    """The paper's figures."""

    needs: str = ""
    """What this cell needs and Edgewise does not have; "" if the cell can run."""

    searched: tuple[Dimension, ...] = ()
    """What is searched before the comparison; the search starts from ``changes``."""

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
        return event


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells, and the baseline with which all others are compared.

    Raises:
        ValueError: two cells with the same name or changes, or a baseline that is not a cell.
    """

    name: str
    question: str
    source: str
    baseline: str
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        names = [cell.name for cell in self.cells]
        if self.baseline not in names:
            raise ValueError(f"baseline must be one of {', '.join(names)}, got {self.baseline!r}")
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"cells must have different names, got {', '.join(sorted(doubled))}")
        # Cells that cannot run may repeat the changes of others; they only show figures.
        ours = [cell for cell in self.cells if not cell.needs]
        for place, cell in enumerate(ours):
            for other in ours[:place]:
                if dict(cell.changes) == dict(other.changes):
                    raise ValueError(f"cells must differ, got {other.name!r} and {cell.name!r}")

    def cell(self, name: str) -> Cell:
        return next(cell for cell in self.cells if cell.name == name)

    def decided(self) -> list[str]:
        """Every config path that a cell sets, whether or not a per-cell search starts from it."""
        return list(dict.fromkeys(path for cell in self.cells for path in cell.changes))

    def event(self) -> GridEvent:
        """The grid as the ledger stores it."""
        return {
            "name": self.name,
            "question": self.question,
            "source": self.source,
            "baseline": self.baseline,
            "cells": [cell.event() for cell in self.cells],
        }


def grid_from_event(event: GridEvent) -> Grid:
    """The grid of an event in the ledger."""
    return Grid(
        name=event["name"],
        question=event["question"],
        source=event["source"],
        baseline=event["baseline"],
        cells=tuple(_cell_from_event(cell) for cell in event["cells"]),
    )


def _cell_from_event(event: CellEvent) -> Cell:
    return Cell(
        name=event["name"],
        changes=event["changes"],
        published=event.get("published", {}),
        needs=event.get("needs", ""),
        searched=tuple(dimension_from_event(found) for found in event.get("searched", ())),
    )


@dataclass(frozen=True, kw_only=True)
class Factor:
    """What is varied: its levels, besides "off", and when it applies."""

    name: str
    levels: Mapping[str, Changes]
    """Changes by the name of the level; a switch has one level."""

    when: str = ""
    """Applies only in cells where this other factor is on."""


_Chosen = dict[str, str]
"""Level by factor, without the factors that are off."""


def leave_one_out(factors: Sequence[Factor], base: Changes | None = None) -> tuple[Cell, ...]:
    """All factors at their first level (the baseline, ``all``), then all but one.

    A factor that depends on the one left out is left out, too.
    """
    full = {factor.name: next(iter(factor.levels)) for factor in factors}
    cells = [_cell("all", full, factors, base)]
    for factor in factors:
        kept = {name: level for name, level in full.items() if name != factor.name}
        cells.append(_cell(f"-{factor.name}", _closed(kept, factors), factors, base))
    return tuple(cells)


def add_one(factors: Sequence[Factor], base: Changes | None = None) -> tuple[Cell, ...]:
    """No factor (the baseline, ``none``), then each by itself at its first level.

    A factor with a condition comes with the factor on which it depends.
    """
    cells = [_cell("none", {}, factors, base)]
    for factor in factors:
        chosen = _with_conditions(factor, next(iter(factor.levels)), factors)
        cells.append(_cell("+" + "+".join(chosen), chosen, factors, base))
    return tuple(cells)


def one_at_a_time(factors: Sequence[Factor], base: Changes | None = None) -> tuple[Cell, ...]:
    """The baseline, then every level of every factor, with all others as in the baseline."""
    cells = [_cell("baseline", {}, factors, base)]
    for factor in factors:
        for level in factor.levels:
            chosen = _with_conditions(factor, level, factors)
            cells.append(_cell(_cell_name(chosen), chosen, factors, base))
    return tuple(cells)


def full_factorial(factors: Sequence[Factor], base: Changes | None = None) -> tuple[Cell, ...]:
    """Every combination of levels, "off" included; the first is the baseline, ``none``.

    Combinations in which a factor is on but its condition is off are left out.
    """
    cells = []
    for levels in product(*(("", *factor.levels) for factor in factors)):
        named = zip((factor.name for factor in factors), levels, strict=True)
        chosen = {name: level for name, level in named if level}
        if _closed(chosen, factors) == chosen:
            cells.append(_cell(_cell_name(chosen) or "none", chosen, factors, base))
    return tuple(cells)


MODES: dict[str, Callable[[Sequence[Factor], Changes | None], tuple[Cell, ...]]] = {
    "leave_one_out": leave_one_out,
    "add_one": add_one,
    "one_at_a_time": one_at_a_time,
    "full_factorial": full_factorial,
}
"""The modes of a user's grid. The first cell of each is its baseline."""


def check_factors(factors: Sequence[Factor]) -> None:
    """Check that factors have levels and depend only on earlier factors.

    Raises:
        ValueError: a factor without a level, or a condition that is not an earlier factor.
    """
    names = [factor.name for factor in factors]
    for place, factor in enumerate(factors):
        if not factor.levels:
            raise ValueError(f"factors/{factor.name} must have a level, got none")
        if factor.when and factor.when not in names[:place]:
            raise ValueError(
                f"factors/{factor.name}/when must be an earlier factor, got {factor.when!r}"
            )


def _closed(chosen: _Chosen, factors: Sequence[Factor]) -> _Chosen:
    """The chosen levels without factors whose condition is off; conditions come first."""
    kept: _Chosen = {}
    for factor in factors:
        if factor.name in chosen and (not factor.when or factor.when in kept):
            kept[factor.name] = chosen[factor.name]
    return kept


def _with_conditions(factor: Factor, level: str, factors: Sequence[Factor]) -> _Chosen:
    by_name = {other.name: other for other in factors}
    chosen = {factor.name: level}
    while factor.when:
        factor = by_name[factor.when]
        chosen = {factor.name: next(iter(factor.levels)), **chosen}
    return chosen


def _cell(name: str, chosen: _Chosen, factors: Sequence[Factor], base: Changes | None) -> Cell:
    changes: dict[str, Value] = dict(base or {})
    for factor in factors:
        if factor.name in chosen:
            changes.update(factor.levels[chosen[factor.name]])
    return Cell(name=name, changes=changes)


def _cell_name(chosen: _Chosen) -> str:
    return " ".join(name if name == level else f"{name}={level}" for name, level in chosen.items())
