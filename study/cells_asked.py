"""Which cells of a grid are asked for, and how long each is searched first."""

import argparse
from dataclasses import replace

from search_spaces import Grid
from study.options import DEFAULT_ARM_TRIALS, SAMPLERS, choice


def only(options: argparse.Namespace, grid: Grid) -> Grid:
    """The grid's cells of ``--cells``, in its own order, and its baseline.

    Raises:
        ValueError: a cell that is not there.
    """
    if options.cells is None:
        return grid
    wanted = [name.strip() for name in options.cells.split(",")]
    known = [cell.name for cell in grid.cells]
    for name in wanted:
        if name not in known:
            raise ValueError(f"--cells must be among {', '.join(known)}, got {name!r}")
    kept = tuple(cell for cell in grid.cells if cell.name in {*wanted, grid.baseline})
    return replace(grid, cells=kept)


def unsearched(grid: Grid) -> Grid:
    """The same cells, at the weights that they begin with."""
    return replace(grid, cells=tuple(replace(cell, searched=()) for cell in grid.cells))


def search_trials(options: argparse.Namespace, grid: Grid) -> int:
    """Trials of each cell's own search; 0 where nothing is searched first.

    Raises:
        ValueError: ``--trials`` or ``--sampler`` for a grid that has nothing to search, or no
            number of trials.
    """
    if not any(cell.searched for cell in grid.cells):
        for name in ("trials", "sampler"):
            if getattr(options, name) not in (None, "tpe"):
                raise ValueError(f"--{name} cannot be given with --grid: every cell runs all "
                                 f"epochs on every seed")  # fmt: skip
        return 0
    choice("--sampler of a grid", options.sampler, [name for name in SAMPLERS if name != "nsga2"])
    count = DEFAULT_ARM_TRIALS if options.trials is None else int(options.trials)
    if count < 0:
        raise ValueError(f"--trials must be >= 0, got {count}")
    return count
