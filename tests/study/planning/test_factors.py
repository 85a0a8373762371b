"""A grid from the command line: the same cells as from a file, and its mistakes in one line."""

from pathlib import Path

import pytest

from cluster import session
from search_spaces import Grid
from study.commands import options
from study.planning import custom_grid, make_plan
from tests.study.commands.test_run import refused

BETA, GAMMA = ("--factor", "loss/beta=0,0.5,1"), ("--factor", "loss/gamma=0,0.25")


def grid_from(*arguments: str) -> Grid:
    given = options.parse_request([*arguments, "--seeds", "6"])
    plan = make_plan.plan_from_request(given, [session.local_node()])
    assert plan.ablation.seeds == (0, 1, 2, 3, 4, 5)
    assert plan.trials == 6 * len(plan.grid.cells)
    return plan.grid


@pytest.mark.parametrize(
    ("mode", "cells"),
    [
        (
            "one-at-a-time",
            {"baseline": (0, 0), "beta=0.5": (0.5, 0), "beta=1": (1, 0), "gamma=0.25": (0, 0.25)},
        ),
        (
            "full",
            {
                "none": (0, 0),
                "gamma=0.25": (0, 0.25),
                "beta=0.5": (0.5, 0),
                "beta=1": (1, 0),
                "beta=0.5 gamma=0.25": (0.5, 0.25),
                "beta=1 gamma=0.25": (1, 0.25),
            },
        ),
        ("leave-one-out", {"all": (0.5, 0.25), "-beta": (0, 0.25), "-gamma": (0.5, 0)}),
        ("add-one", {"none": (0, 0), "+beta": (0.5, 0), "+gamma": (0, 0.25)}),
    ],
)
def test_each_mode_makes_its_cells_on_paired_seeds(
    mode: str, cells: dict[str, tuple[float, float]]
) -> None:
    grid = grid_from(*BETA, *GAMMA, "--mode", mode)
    found = {
        cell.name: (cell.changes["loss/beta"], cell.changes["loss/gamma"]) for cell in grid.cells
    }
    assert found == cells
    assert grid.baseline == next(iter(cells))


def test_a_file_makes_the_same_grid(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("""
mode: one_at_a_time
baseline: {loss/w_a: 0.0, loss/theta: 20.0}
factors:
  w_a: {levels: {"1": {loss/w_a: 1.0}}}
  theta: {when: w_a, levels: {"5": {loss/theta: 5.0}}}
""")
    grid = grid_from("--factor", "loss/w_a=0,1", "--factor", "loss/theta=20,5 when w_a")
    assert {c.name: c.changes for c in grid.cells} == {
        c.name: c.changes for c in custom_grid.grid_from_file(file).cells
    }


def test_a_single_value_is_a_level_beside_the_config_s() -> None:
    grid = grid_from("--factor", "optim/lr=0.01", "--factor", "loss/variant=released")
    assert [dict(cell.changes) for cell in grid.cells] == [
        {},
        {"optim/lr": 0.01},
        {"loss/variant": "released"},
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--factor", "loss/beta"), "--factor must be PATH=VALUE,VALUE,..."),
        (("--factor", "loss/beta=0,,1"), "of different values, got 'loss/beta=0,,1'"),
        (("--factor", "loss/betta=0,1"), "unknown config path 'loss/betta'"),
        (("--factor", "loss/beta=0,much"), "loss/beta must be a number, got 'much'"),
        (("--factor", "loss/beta=0,-1"), "loss/beta must be a finite number >= 0, got -1"),
        ((*BETA, *BETA), "--factor must name each path once, got loss/beta twice"),
        ((*BETA, "--mode", "half"), "--mode must be one of leave-one-out, add-one"),
        ((*BETA, "--grid", "table1"), "--factor cannot be given with --grid"),
        (("--space", "region", "--mode", "full"), "--mode goes with --factor"),
        ((*BETA, "--set", "loss/beta=2"), "--set must leave loss/beta to the cells"),
        (("--factor", "loss/theta=20,5 when w_a"), "when must be an earlier factor, got 'w_a'"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in refused(capsys, tmp_path, *arguments)
