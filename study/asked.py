"""A plan made from the command line, checked before anything starts."""

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from cluster.resources import LaneRequest, Node, count_lanes
from search_spaces import GRIDS, OWN_GRIDS, SPACES, Grid, Space
from study import (
    budget,
    cells_asked,
    control,
    factors_asked,
    grid_file,
    objectives,
    replay,
    runnable,
    warm_start,
    winner,
)
from study.options import (
    DEFAULT_TRIALS,
    PLACES,
    SAMPLERS,
    SCHEDULERS,
    choice,
    require_only,
    storage_of,
    tracking_uri_of,
)
from study.plan import Plan, check_name
from study.statistics import fewest_seeds
from study.trial_record import Value
from trainables import own, recipes
from trainables.config import DataConfig, TrialConfig, parse
from trainables.parts import installed

_DEFAULT_GRIDS = {"all_losses": "arms"}
"""Grids of spaces in which nothing is searched over all."""


def base_config(options: argparse.Namespace, first: Mapping[str, Value]) -> TrialConfig:
    """The default config, the first changes (a space's), then what the command line sets."""
    given: dict[str, Any] = {
        "data/dataset": options.dataset, "data/root": options.data, "data/cache": options.cache,
        "model/weights": options.weights, "epochs": options.epochs, "seed": options.seed,
    }  # fmt: skip
    changes = {path: value for path, value in given.items() if value is not None}
    changes |= dict(_change(text) for text in options.changes)
    if own.DIGEST:
        changes["parts"] = own.DIGEST[0]
    recipe = recipes.changes(options.recipe) if options.recipe else {}
    if changes.get("model/weights", "none") not in ("none", "imagenet"):
        changes["model/weights"] = str(Path(changes["model/weights"]).expanduser().resolve())
    if changes.get("data/root"):
        changes["data/root"] = str(Path(changes["data/root"]).expanduser().resolve())
    changes = {**recipe, **changes}
    if changes.get("model/weights", "none") != "none" and "model/network" not in changes:
        changes["model/network"] = "fpn"
    return TrialConfig().changed({**first, **changes})


def _change(text: str) -> tuple[str, Value]:
    """One ``--set PATH=VALUE``."""
    path, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set must be PATH=VALUE, got {text!r}")
    return path, parse(path, value)


def data_config(options: argparse.Namespace) -> DataConfig:
    """What ``--check-data NAME DIR`` is to look at; ``--set data/...`` counts too."""
    name, folder = options.check_data
    changes = dict(_change(text) for text in options.changes)
    changes |= {"data/dataset": name, "data/root": str(Path(folder).expanduser().resolve())}
    return TrialConfig().changed(changes).data


def grid_of(options: argparse.Namespace) -> Grid | None:
    """The grid that is asked for: by name, from a file, or the space's only one."""
    if factors := factors_asked.read(options):
        return factors
    name = options.grid or _DEFAULT_GRIDS.get(options.space or "")
    if not name:
        if options.seeds is not None:
            raise ValueError("--seeds goes with --grid: a search has one seed, --seed")
        if options.cells is not None:
            raise ValueError("--cells goes with --grid: a search has none")
        return None
    if Path(name).suffix in (".yaml", ".yml"):
        return grid_file.read(Path(name).expanduser())
    if name in OWN_GRIDS:
        return OWN_GRIDS[name]
    space = choice("--space", options.space, list(SPACES))
    known = GRIDS.get(space, {})
    named = ", ".join([*known, "FILE.yaml"])
    if name not in known:
        raise ValueError(f"--grid of {space} must be one of {named}, got {name!r}")
    return known[name]


def _check_grid(options: argparse.Namespace, grid: Grid) -> None:
    """Raise a ValueError for an option that a grid decides."""
    if options.scheduler != "none":
        raise ValueError("--scheduler cannot be given with --grid: every cell runs all epochs "
                         "on every seed")  # fmt: skip
    if options.seeds is not None and options.seeds < 1:
        raise ValueError(f"--seeds must be >= 1, got {options.seeds}")
    for text in options.changes:
        _check_left_to_cells(text, grid)


def _check_left_to_cells(text: str, grid: Grid) -> None:
    """Raise a ValueError for a ``--set`` of what a cell decides, or out of what a cell searches."""
    path, value = _change(text)
    if path in grid.decided():
        raise ValueError(f"--set must leave {', '.join(grid.decided())} to the cells of the "
                         f"grid, got {text!r}")  # fmt: skip
    for dimension in (dimension for cell in grid.cells for dimension in cell.searched):
        if dimension.path == path and not dimension.holds(value):
            raise ValueError(f"--set {path} is where its searches begin and must be in "
                             f"{dimension.bounds()}, got {value}")  # fmt: skip


def _checked_grid(options: argparse.Namespace, grid: Grid, base: TrialConfig) -> Grid:
    """The grid with what each cell lacks here; a baseline that lacks something is refused."""
    _check_grid(options, grid)
    cells = tuple(replace(cell, needs=runnable.missing(cell, base)) for cell in grid.cells)
    checked = replace(grid, cells=cells)
    if lacks := checked.cell(grid.baseline).needs:
        raise ValueError(f"--grid {grid.name}: its baseline {grid.baseline!r} needs {lacks}")
    return checked


def _again(options: argparse.Namespace) -> winner.Rerun | None:
    """What ``--winner`` or ``--control`` runs; an earlier study's ledger has decided the rest."""
    allowed = {*PLACES, "seeds", "fresh", "name", "workers", "cpus_per_worker", "gpus_per_worker"}
    if options.winner:
        require_only(options, {*allowed, "winner"}, "winner", "its search has decided it")
        return winner.rerun(storage_of(options), options.winner)
    if options.control:
        require_only(options, {*allowed, "control", "changes"}, "control", "its study decided it")
        values = dict(_change(text) for text in options.changes)
        return control.rerun(storage_of(options), options.control, values)
    return None


class _Question(NamedTuple):
    space: Space
    base: TrialConfig
    """What all trials share."""
    grid: Grid | None
    objectives: dict[str, str]
    seeds: int | None = None
    """Of a grid, unless asked otherwise; None: the fewest that can decide."""


def _asked(options: argparse.Namespace) -> _Question:
    if again := _again(options):
        wanted = objectives.parse(again.objective)
        return _Question(SPACES[again.space], again.base, again.grid, wanted, again.seeds)
    grid = grid_of(options)
    named = options.space or ("all_losses" if grid else None)
    space = SPACES[choice("--space", named, list(SPACES))]
    searched = [dimension.path for dimension in space.dimensions] if grid is None else []
    for text in options.changes:
        if text.partition("=")[0] in searched:
            raise ValueError(f"--set must leave {', '.join(searched)} to the search, got {text!r}")
    base = base_config(options, {} if grid else space.base)
    return _Question(space, base, grid, objectives.parse(options.objective))


def make_plan(options: argparse.Namespace, nodes: list[Node]) -> Plan:
    """Everything decided and checked that needs no data.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    if options.replay:
        return replay.make_plan(options, nodes)
    space, base, grid, wanted, usual = _asked(options)
    objectives.check(wanted, options.sampler, options.scheduler, grid is not None)
    objective = next(iter(wanted))
    seeds: tuple[int, ...] = ()
    trials = DEFAULT_TRIALS if options.trials is None else options.trials
    searches = 0
    if grid is not None:
        searches = cells_asked.search_trials(options, grid)
        grid = cells_asked.only(options, grid if searches else cells_asked.unsearched(grid))
        grid = _checked_grid(options, grid, base)
        cells = sum(not cell.needs for cell in grid.cells)
        usual = usual or fewest_seeds(max(cells - 1, 1))
        count = usual if options.seeds is None else options.seeds
        first = base.seed + bool(searches)  # the search's seed decides nothing
        seeds = tuple(range(first, first + count))
        trials = (searches + len(seeds)) * cells
    if trials < 1:
        raise ValueError(f"--trials must be >= 1, got {trials}")
    request = LaneRequest(options.workers, options.cpus_per_worker, options.gpus_per_worker)
    if base.batch < request.workers:
        raise ValueError(f"batch must be at least the {request.workers} workers, got {base.batch}")
    warm = {}
    if options.warm_start is not None:
        if grid is not None:
            raise ValueError(f"--warm-start goes with a search, got the grid {grid.name}")
        names = options.warm_start
        warm = warm_start.gather(
            storage_of(options), names, space, base, list(wanted), options.sampler
        )
    limits = budget.parse(vars(options), request.workers * request.gpus_per_worker)
    return Plan(
        study=_name(options, space, grid, base), space=space.name, base=base, objective=objective,
        mode=wanted[objective], objectives=wanted if len(wanted) > 1 else {}, trials=trials,
        grid=grid, seeds=seeds, fresh=options.fresh, search_trials=searches,
        budget=budget.finite(limits), warm_start=warm,
        sampler="none" if grid and not searches else choice("--sampler", options.sampler, SAMPLERS),
        scheduler=choice("--scheduler", options.scheduler, SCHEDULERS),
        seed=options.seed, lanes=count_lanes(nodes, request, options.lanes, trials),
        workers=request.workers, cpus_per_worker=request.cpus_per_worker,
        gpus_per_worker=request.gpus_per_worker, storage=storage_of(options),
        tracking_uri=tracking_uri_of(options), parts=installed(),
    )  # fmt: skip


def _name(options: argparse.Namespace, space: Space, grid: Grid | None, base: TrialConfig) -> str:
    what = space.name if grid is None else f"{space.name}-{grid.name}"
    name = options.name or f"{what}-{base.data.dataset}-{time.strftime('%Y%m%d-%H%M%S')}"
    check_name(name)
    return str(name)
