"""The requested grid and cells, checked against the base config."""

from dataclasses import replace
from pathlib import Path

from search_spaces import GRIDS, OWN_GRIDS, SPACES, Cell, Grid
from study.planning import custom_grid, tasks
from study.planning.request import (
    DEFAULT_CELL_TRIALS,
    SAMPLERS,
    StudyRequest,
    choice,
    parse_change,
)
from trainables.config import TrialConfig, field_types, refused, require
from trainables.config.films import follows

_DEFAULT_GRIDS = {"all_losses": "arms"}
"""Default grids of spaces without dimensions, which cannot be searched as a space."""


def grid_of(request: StudyRequest) -> Grid | None:
    """The grid of ``--factor`` or ``--grid``, or the space's default; None for a search."""
    if factors := custom_grid.grid_from_factors(request):
        return factors
    name = request.grid or _DEFAULT_GRIDS.get(request.space or "")
    if not name:
        if request.seeds is not None:
            raise ValueError("--seeds goes with --grid: a search has one seed, --seed")
        if request.cells is not None:
            raise ValueError("--cells goes with --grid: a search has none")
        return None
    if Path(name).suffix in (".yaml", ".yml"):
        return custom_grid.grid_from_file(Path(name).expanduser())
    if name in OWN_GRIDS:
        return OWN_GRIDS[name]
    space = choice("--space", request.space, list(SPACES))
    known = GRIDS.get(space, {})
    named = ", ".join([*known, "FILE.yaml"])
    if name not in known:
        raise refused(f"--grid of {space}", f"one of {named}", name)
    return known[name]


def _check_grid(request: StudyRequest, grid: Grid) -> None:
    """Raise a ValueError for an option that a grid decides."""
    if request.scheduler != "none":
        raise ValueError(
            "--scheduler cannot be given with --grid: a search may stop trials early, a comparison "
            "never does: every cell runs all epochs on every seed"
        )
    if request.tasks is not None and "task/tasks" in grid.decided():
        raise refused("--tasks", f"left to the cells of the grid {grid.name}", request.tasks)
    for text in request.changes:
        _check_left_to_cells(text, grid)


def _check_left_to_cells(text: str, grid: Grid) -> None:
    """Raise a ValueError if ``--set`` changes what cells decide, or leaves what a cell searches."""
    path, value = parse_change(text)
    if path in grid.decided():
        raise ValueError(
            f"--set must leave {', '.join(grid.decided())} to the cells of the grid, got {text!r}"
        )
    for dimension in (dimension for cell in grid.cells for dimension in cell.searched):
        if dimension.path == path and not dimension.holds(value):
            raise ValueError(
                f"--set {path} sets where its searches start and must be in "
                f"{dimension.bounds()}, got {value}"
            )


def checked_grid(request: StudyRequest, grid: Grid, base: TrialConfig) -> Grid:
    """The grid with what each cell lacks in this version, in ``needs``.

    Raises:
        ValueError: an option contradicts the grid, or the baseline lacks something.
    """
    _check_grid(request, grid)
    one = "with --dataset moving_shapes, or of another network that follows an object"
    known = not grid.films or follows(base.model)
    require(known, f"--grid {grid.name}", one, base.model.network)
    weights = _weights_to_fine_tune(grid, base)
    needs = {cell.name: missing(cell, base) or weights for cell in grid.cells}
    for cell in grid.cells:  # one that starts after another cell comes after it
        lost = [name for name in (cell.after, cell.against) if needs.get(name)]
        if lost and not needs[cell.name]:
            needs[cell.name] = f"the cell {lost[0]!r}"
    cells = (replace(cell, needs=needs[cell.name]) for cell in grid.cells)
    checked = replace(grid, cells=tuple(cells))
    _check_init(checked, base)
    if lacks := needs[grid.baseline]:
        raise ValueError(
            f"--grid {grid.name}: its baseline {grid.baseline!r} needs {lacks}; --list with --grid "
            f"shows its figures"
        )
    return checked


def _weights_to_fine_tune(grid: Grid, base: TrialConfig) -> str:
    """What all cells lack, in words, where one of them measures a network without training it."""
    untrained = [cell for cell in grid.cells if cell.changes.get("optim/train") is False]
    if not untrained or base.model.init:
        return ""
    return f"weights of a whole network (--init FILE), which {untrained[0].name!r} measures"


def _check_init(grid: Grid, base: TrialConfig) -> None:
    """Raise a ValueError if a cell starts from another's network although all start from a file."""
    after = [cell for cell in grid.cells if cell.after and not cell.needs]
    if after and base.model.init:
        raise ValueError(
            f"--init cannot be given with --grid {grid.name}: its cell {after[0].name!r} starts "
            f"from the network of {after[0].after!r}"
        )


def only_cells(request: StudyRequest, grid: Grid) -> Grid:
    """The grid with only the cells of ``--cells``, those that they start from, and their baselines,
    in the grid's order.

    Raises:
        ValueError: the grid has no such cell.
    """
    if request.cells is None:
        return grid
    wanted = [name.strip() for name in request.cells.split(",")]
    known = [cell.name for cell in grid.cells]
    for name in wanted:
        if name not in known:
            raise refused("--cells", f"among {', '.join(known)}", name)
    kept = {*wanted, grid.baseline}
    for cell in reversed(grid.cells):  # a cell comes after the one that it starts from
        kept |= {cell.after} if cell.name in kept else set()
    kept |= {grid.baseline_of(cell.name) for cell in grid.cells if cell.name in kept}
    return replace(grid, cells=tuple(cell for cell in grid.cells if cell.name in kept))


def unsearched(grid: Grid) -> Grid:
    """The grid with no searches: every cell runs at its initial weights."""
    return replace(grid, cells=tuple(replace(cell, searched=()) for cell in grid.cells))


def search_trials(request: StudyRequest, grid: Grid) -> int:
    """Trials of each cell's own search; 0 where nothing is searched first.

    Raises:
        ValueError: ``--trials`` or ``--sampler`` is given for a grid with nothing to search, or
            the number of trials is negative.
    """
    if not any(cell.searched for cell in grid.cells):
        for name in sorted(request.given() & {"trials", "sampler"}, reverse=True):
            raise ValueError(
                f"--{name} cannot be given with --grid: every cell runs all epochs on every seed"
            )
        return 0
    choice("--sampler of a grid", request.sampler, [name for name in SAMPLERS if name != "nsga2"])
    count = DEFAULT_CELL_TRIALS if request.trials is None else int(request.trials)
    if count < 0:
        raise ValueError(f"--trials must be >= 0, got {count}")
    return count


def missing(cell: Cell, base: TrialConfig) -> str:
    """Why this version cannot run the cell, in words; "" if it can.

    Raises:
        ValueError: its changes give no valid config: a value is refused, or two exclude each other.
    """
    if cell.needs:
        return cell.needs
    unknown = [path for path in cell.changes if path not in field_types()]
    if unknown:
        return f"the config field {unknown[0]}, which this version does not have"
    if lacks := tasks.lacking(cell, base):
        return lacks
    base.changed(cell.changes)
    return ""
