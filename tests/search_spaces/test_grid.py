"""Grids are data that fits the config; the modes make the cells that a user would write by hand."""

import pytest

from search_spaces import GRIDS, SPACES, Cell, Factor, Grid
from search_spaces.factors import (
    MODES,
    add_one,
    check_factors,
    full_factorial,
    leave_one_out,
    one_at_a_time,
)
from search_spaces.grid import grid_from_event
from trainables.config import TrialConfig, field_types, recipes
from trainables.config.tasks import TARGETS
from trainables.metrics.catalog import METRICS

KNOWN = METRICS
ALL = [
    pytest.param(grid, id=f"{space}-{name}")
    for space, grids in GRIDS.items()
    for name, grid in grids.items()
]
A = Factor(name="a", levels={"a": {"loss/w_a": 1.0}})
B = Factor(name="b", levels={"5": {"loss/theta": 5.0}, "9": {"loss/theta": 9.0}}, when="a")
C = Factor(name="c", levels={"c": {"loss/lovasz": 1.0}})


def is_share(metric: str) -> bool:
    """Whether a metric lies between 0 and 1: Delta_m, a difference, may be negative."""
    return metric in KNOWN and KNOWN[metric].unit == "fraction" and KNOWN[metric].low == 0


def cells(made: tuple[Cell, ...]) -> dict[str, dict[str, object]]:
    return {cell.name: dict(cell.changes) for cell in made}


@pytest.mark.parametrize("grid", ALL)
def test_cells_are_valid_configs_and_their_figures_are_fractions_of_known_metrics(
    grid: Grid,
) -> None:
    assert grid.question.endswith("?")
    assert grid.source
    assert set(grid.decided()) <= set(field_types())
    for cell in grid.cells:
        TrialConfig().changed({"data/targets": ",".join(TARGETS), **cell.changes})
        for row in cell.published.values():
            assert all(metric in KNOWN or metric.startswith(("ar_", "val/")) for metric in row)
            shares = [v for metric, v in row.items() if is_share(metric)]
            assert all(0 < share < 1 for share in shares)
    for setup in grid.setups:
        assert setup.recipe in {"", *recipes.RECIPES}
        of_recipe = recipes.changes(setup.recipe) if setup.recipe else {}
        TrialConfig().changed({**of_recipe, **setup.config})
        # a setup that a study can measure says all that it takes; another says what is missing
        whole = {"data/dataset", "model/network", "model/weights", "eval/scales"}
        assert setup.needs or (whole <= set(setup.config) and setup.counts and setup.recipe)
        assert set(setup.config) <= set(field_types())
    assert grid_from_event(grid.event()) == grid


def test_every_grid_belongs_to_a_space() -> None:
    assert set(GRIDS) <= set(SPACES)


@pytest.mark.parametrize(
    ("space", "grid", "cell", "metric", "gain"),
    [
        ("semeda", "table1", "before ReLU 0 1 0", "miou", 2.5),  # 66.6 - 64.1
        ("active_boundary", "table1", "CE + IABL", "miou", 1.0),  # "1% improvement" in the text
        ("active_boundary", "table6", "+ IABL", "boundary_f_davis_1px", 1.6),  # (+1.6) in the table
        ("active_boundary", "table6", "+ IABL", "boundary_f_davis_3px", 1.4),
        ("active_boundary", "table6", "+ IABL", "boundary_f_davis_5px", 1.1),
        ("inverseform", "table4", "InverseForm", "miou", 0.6),  # HRNet-OCR 84.2 -> 84.8
        ("affinity", "table3", "+ AR loss", "miou", 1.5),  # "mIoU increases by 1.5%"
    ],
)
def test_gains_are_those_that_the_papers_state(
    space: str, grid: str, cell: str, metric: str, gain: float
) -> None:
    found = GRIDS[space][grid]
    ours, base = found.cell(cell).published, found.cell(found.baseline).published
    setup = next(setup for setup, row in ours.items() if metric in row)
    assert 100 * (ours[setup][metric] - base[setup][metric]) == pytest.approx(gain)


def test_leaving_one_out_takes_along_what_depends_on_it() -> None:
    assert cells(leave_one_out([A, B, C])) == {
        "all": {"loss/w_a": 1.0, "loss/theta": 5.0, "loss/lovasz": 1.0},
        "-a": {"loss/lovasz": 1.0},
        "-b": {"loss/w_a": 1.0, "loss/lovasz": 1.0},
        "-c": {"loss/w_a": 1.0, "loss/theta": 5.0},
    }


def test_adding_one_brings_what_it_depends_on() -> None:
    assert cells(add_one([A, B, C], {"epochs": 9})) == {
        "none": {"epochs": 9},
        "+a": {"epochs": 9, "loss/w_a": 1.0},
        "+a+b": {"epochs": 9, "loss/w_a": 1.0, "loss/theta": 5.0},
        "+c": {"epochs": 9, "loss/lovasz": 1.0},
    }


def test_one_at_a_time_tries_every_level_alone() -> None:
    assert cells(one_at_a_time([A, B])) == {
        "baseline": {},
        "a": {"loss/w_a": 1.0},
        "a b=5": {"loss/w_a": 1.0, "loss/theta": 5.0},
        "a b=9": {"loss/w_a": 1.0, "loss/theta": 9.0},
    }


def test_full_factorial_has_every_combination_whose_conditions_hold() -> None:
    made = cells(full_factorial([A, B, C]))
    assert list(made) == ["none", "c", "a", "a c", "a b=5", "a b=5 c", "a b=9", "a b=9 c"]
    free = [Factor(name=name, levels={name: {"epochs": n}}) for n, name in enumerate("xyz", 1)]
    assert len(MODES["full_factorial"](free, None)) == 2**3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"baseline": "z"}, "baseline must be one of x, y, got 'z'"),
        (
            {"cells": (Cell(name="x", changes={}), Cell(name="x", changes={"epochs": 2}))},
            "cells must have different names, got x",
        ),
        (
            {"cells": (Cell(name="x", changes={}), Cell(name="y", changes={}))},
            "cells must differ, got 'x' and 'y'",
        ),
    ],
)
def test_a_grid_that_compares_nothing_is_refused(changes: dict[str, object], words: str) -> None:
    valid: dict[str, object] = {
        "name": "g",
        "question": "?",
        "source": "-",
        "baseline": "x",
        "cells": (Cell(name="x", changes={}), Cell(name="y", changes={"epochs": 2})),
    }
    with pytest.raises(ValueError, match=words):
        Grid(**{**valid, **changes})  # type: ignore[arg-type]


def test_factors_without_levels_or_with_unknown_conditions_are_refused() -> None:
    with pytest.raises(ValueError, match="factors/a must have a level"):
        check_factors([Factor(name="a", levels={})])
    with pytest.raises(ValueError, match="factors/b/when must be an earlier factor, got 'a'"):
        check_factors([B, A])
