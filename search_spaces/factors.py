"""A user's own ablation as factors: what varies, and which combinations become cells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from search_spaces.grid import Cell, Changes
from search_spaces.space import Value


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
