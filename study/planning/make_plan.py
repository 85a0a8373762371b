"""A plan made from the command line, checked before anything starts."""

import argparse
import time
from typing import NamedTuple

from cluster.resources import LaneRequest, Node, count_lanes
from search_spaces import SPACES, Grid, Space
from study.analysis.statistics import fewest_seeds
from study.ledger.plan import Plan
from study.ledger.study_folder import check_name
from study.planning import budget, grids
from study.planning.grids import checked_grid, grid_of
from study.planning.prior_studies import replay, rerun, warm_start
from study.planning.request import (
    DEFAULT_TRIALS,
    PLACES,
    SAMPLERS,
    SCHEDULERS,
    base_config,
    check_objectives,
    choice,
    parse_change,
    parse_objectives,
    require_only,
    storage_of,
    tracking_uri_of,
)
from trainables.config import TrialConfig
from trainables.plugin import installed


def _rerun(options: argparse.Namespace) -> rerun.Rerun | None:
    """What ``--winner`` or ``--control`` runs; an earlier study's ledger has decided the rest."""
    allowed = {*PLACES, "seeds", "fresh", "name", "workers", "cpus_per_worker", "gpus_per_worker"}
    if options.winner:
        require_only(options, {*allowed, "winner"}, "winner", "its search has decided it")
        return rerun.rerun_winner(storage_of(options), options.winner)
    if options.control:
        require_only(options, {*allowed, "control", "changes"}, "control", "its study decided it")
        values = dict(parse_change(text) for text in options.changes)
        return rerun.rerun_at_one_rate(storage_of(options), options.control, values)
    return None


class _Question(NamedTuple):
    space: Space
    base: TrialConfig
    """What all trials share."""
    grid: Grid | None
    objectives: dict[str, str]
    seeds: int | None = None
    """Of a grid, unless asked otherwise; None: the fewest that can decide."""


def _question(options: argparse.Namespace) -> _Question:
    if again := _rerun(options):
        wanted = parse_objectives(again.objective)
        return _Question(SPACES[again.space], again.base, again.grid, wanted, again.seeds)
    grid = grid_of(options)
    named = options.space or ("all_losses" if grid else None)
    space = SPACES[choice("--space", named, list(SPACES))]
    searched = [dimension.path for dimension in space.dimensions] if grid is None else []
    for text in options.changes:
        if text.partition("=")[0] in searched:
            raise ValueError(f"--set must leave {', '.join(searched)} to the search, got {text!r}")
    base = base_config(options, {} if grid else space.base)
    return _Question(space, base, grid, parse_objectives(options.objective))


def plan_from_request(options: argparse.Namespace, nodes: list[Node]) -> Plan:
    """Everything decided and checked that needs no data.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    if options.replay:
        return replay.replay_plan(options, nodes)
    space, base, grid, wanted, usual = _question(options)
    check_objectives(wanted, options.sampler, options.scheduler, grid is not None)
    objective = next(iter(wanted))
    seeds: tuple[int, ...] = ()
    trials = DEFAULT_TRIALS if options.trials is None else options.trials
    searches = 0
    if grid is not None:
        searches = grids.search_trials(options, grid)
        grid = grids.only_cells(options, grid if searches else grids.unsearched(grid))
        grid = checked_grid(options, grid, base)
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
        study=_name(options, space, grid, base),
        space=space.name,
        base=base,
        objective=objective,
        mode=wanted[objective],
        objectives=wanted if len(wanted) > 1 else {},
        trials=trials,
        grid=grid,
        seeds=seeds,
        fresh=options.fresh,
        search_trials=searches,
        budget=budget.finite(limits),
        warm_start=warm,
        sampler="none" if grid and not searches else choice("--sampler", options.sampler, SAMPLERS),
        scheduler=choice("--scheduler", options.scheduler, SCHEDULERS),
        seed=options.seed,
        lanes=count_lanes(nodes, request, options.lanes, trials),
        workers=request.workers,
        cpus_per_worker=request.cpus_per_worker,
        gpus_per_worker=request.gpus_per_worker,
        storage=storage_of(options),
        tracking_uri=tracking_uri_of(options),
        parts=installed(),
    )


def _name(options: argparse.Namespace, space: Space, grid: Grid | None, base: TrialConfig) -> str:
    what = space.name if grid is None else f"{space.name}-{grid.name}"
    name = options.name or f"{what}-{base.data.dataset}-{time.strftime('%Y%m%d-%H%M%S')}"
    check_name(name)
    return str(name)
