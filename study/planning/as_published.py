"""`--as-published`: network, data, training and evaluation of a paper's table, in one word."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from search_spaces import Cell, Grid, Setup
from study.planning.base_config import base_config
from study.planning.request import StudyRequest
from trainables.config import Value, flatten, refused

_Row = TypeVar("_Row")
_PAPERS_LISTS = "data/holdout=0"
"""Papers train on the complete list; a setup compares the numbers of images."""
_DECIDED = ("recipe", "dataset", "weights")
"""Options that the setup decides."""


ALL = "all"
"""Every network of the table that was measured as its first one was, in one study."""


def as_published(request: StudyRequest, grid: Grid | None) -> tuple[StudyRequest, Grid | None]:
    """The request with what the chosen setup decides, and the grid, with every network's cells for
    ``all``; ``--set`` and ``--epochs`` still override.

    Raises:
        ValueError: it goes with no grid, the grid has no such setup or none that can run here, or
            an option contradicts the setup.
    """
    if request.as_published is None:
        return request, grid
    if grid is None:
        raise ValueError("--as-published goes with --grid: a search has no published setup")
    for name in _DECIDED:
        if getattr(request, name) is not None:
            raise ValueError(f"--{name} cannot be given with --as-published, which decides it")
    if request.as_published == ALL:
        return _with_all_networks(request, grid)
    setup = _chosen(request.as_published, grid)
    return _as_measured(request, setup), _rows_of(grid, setup)


def _rows_of(grid: Grid, setup: Setup) -> Grid:
    """The grid; of a network that the baseline has no figure of, only the rows that have one: it
    may be one of several tasks, which cannot segment alone."""

    def has(cell: Cell) -> bool:
        return setup.name in {*cell.published, *cell.gains, *cell.class_published}

    rows = tuple(cell for cell in grid.cells if has(cell))
    own = [cell.name for cell in rows if cell.against == cell.name]
    if has(grid.cell(grid.baseline)) or not own:
        return grid
    return replace(grid, baseline=own[0], cells=rows)


def _as_measured(request: StudyRequest, setup: Setup) -> StudyRequest:
    kept = {"model/init"} if request.init is not None else set[str]()
    decided = [f"{path}={_text(value)}" for path, value in setup.config.items() if path not in kept]
    changes = [_PAPERS_LISTS, *decided, *request.changes]
    return replace(request, recipe=setup.recipe, changes=changes)


def _with_all_networks(request: StudyRequest, grid: Grid) -> tuple[StudyRequest, Grid]:
    """The first network's request; its cells and, with what differs, those of the others."""
    if request.init is not None:
        raise ValueError("--init cannot be given with --as-published all: it is one network's")
    setups = _measured_alike(grid, _chosen("", grid))
    if len(setups) < 2:
        raise ValueError(
            f"--as-published all: --grid {grid.name} has one network that is measured so, "
            f"{setups[0].name}; leave out 'all'"
        )
    requests = [_as_measured(request, setup) for setup in setups]
    first, *_ = configs = [flatten(base_config(each, {})) for each in requests]
    cells: list[Cell] = []
    for setup, config in zip(setups, configs, strict=True):
        differing = {path: value for path, value in config.items() if value != first[path]}
        if cells and not differing:
            raise ValueError(
                f"--as-published all: {setup.network} is trained exactly as {setups[0].network}: "
                f"--set has decided the network"
            )
        cells += _of_network(grid, setup.network, differing)
    shown = {setup.network for setup in setups}
    found = replace(
        grid,
        source=f"{grid.source}: {', '.join(setup.network for setup in setups)}",
        baseline=_named(setups[0].network, grid.baseline),
        cells=tuple(cells),
        setups=tuple(setup for setup in grid.setups if setup.network in shown),
    )
    return requests[0], found


def _measured_alike(grid: Grid, first: Setup) -> list[Setup]:
    """A setup of each network whose data, lists and evaluation are those of the first."""

    def how(setup: Setup) -> tuple[dict[str, Value], dict[str, int]]:
        shared = {path: v for path, v in setup.config.items() if not path.startswith("model/")}
        return shared, dict(setup.counts)

    alike = [s for s in grid.setups if s.recipe and not s.needs and how(s) == how(first)]
    return list({setup.network: setup for setup in reversed([first, *alike])}.values())[::-1]


def _of_network(grid: Grid, network: str, differing: Mapping[str, Value]) -> list[Cell]:
    """The grid's cells as those of one network, with its figures; without those that can neither
    run nor show one."""
    mine = {setup.name for setup in grid.setups if setup.network == network}
    cells = []
    for cell in grid.cells:
        of_network = replace(
            cell,
            name=_named(network, cell.name),
            changes={**differing, **cell.changes},
            published=_only(cell.published, mine),
            class_published=_only(cell.class_published, mine),
            gains=_only(cell.gains, mine),
            against=_named(network, grid.baseline),
        )
        figures = of_network.published or of_network.class_published or of_network.gains
        if figures or not cell.needs:
            cells.append(of_network)
    return cells


def _only(figures: Mapping[str, _Row], setups: set[str]) -> dict[str, _Row]:
    return {name: row for name, row in figures.items() if name in setups}


def _named(network: str, cell: str) -> str:
    return f"{network}: {cell}"


def _chosen(name: str, grid: Grid) -> Setup:
    """The named setup, or the first that can be measured here, or else trained here."""
    known = {setup.name: setup for setup in grid.setups if setup.recipe}
    if not known:
        lacks = "; ".join(dict.fromkeys(setup.needs for setup in grid.setups if setup.needs))
        why = f"needs {lacks}" if lacks else "it is no paper's table"
        raise ValueError(f"--as-published: --grid {grid.name} has no setup that runs here: {why}")
    if name and name not in known:
        raise refused("--as-published", f"all, or one of {'; '.join(known)}", name)
    measured = [setup for setup in known.values() if not setup.needs]
    return known[name] if name else [*measured, *known.values()][0]


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
