"""Makes a plan from a request, and checks it before anything starts."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cluster.resources import Node, count_lanes
from search_spaces import BUILT_IN, SPACES, Grid, Space
from study.analysis import same_images
from study.analysis.statistics import fewest_seeds
from study.ledger.design import Ablation, Search
from study.ledger.plan import Plan, PluginText
from study.ledger.prior_trials import WarmStart
from study.ledger.storage import check_name
from study.planning import budget, cross_validation, gpu_defaults, grids, tasks
from study.planning.as_published import as_published
from study.planning.gpu_lanes import lane_of, lanes_now, share_of
from study.planning.look_schedule import seeds_and_looks
from study.planning.objectives import check_objectives, measuring, parse_objectives
from study.planning.prior_studies import horizon, replay, rerun, warm_start
from study.planning.request import (
    BUILT_IN_TRIALS,
    DEFAULT_TRIALS,
    PLACES,
    SAMPLERS,
    SCHEDULERS,
    StudyRequest,
    choice,
    correction_of,
)
from trainables.config import TrialConfig, flatten, refused, require
from trainables.config.data import AUTO, DRAWN
from trainables.config.plugin_fields import PLUGIN
from trainables.metrics.catalog import METRICS


@dataclass(frozen=True)
class _Question:
    """What a request compares or searches, before the number of trials is decided."""

    space: Space
    base: TrialConfig
    """The config that all trials share."""
    grid: Grid | None
    objectives: dict[str, str]
    usual_seeds: int | None = None
    """How many seeds an ablation has by default; None: the fewest that allow a verdict."""


def plan_from_request(request: StudyRequest, nodes: list[Node]) -> Plan:
    """Decide and check everything that needs no data.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    if request.replay:
        return replay.replay_plan(request, nodes)
    rerun_of_earlier = _rerun(request)
    question = rerun_of_earlier or _question(request, nodes)
    space, base, grid = question.space, question.base, question.grid
    check_objectives(question.objectives, request, ablation=grid is not None)
    design = _search(request, question) if grid is None else _ablation(request, question, grid)
    cross_validation.check_design(design, base)
    tasks.check(design, base, question.objectives)
    if rerun_of_earlier is None:  # what an earlier study has decided is not tried again
        _try_plugin(space, base, design)
        base = _without_holdout(base, design)
    if design.total < 1:
        raise ValueError(f"--trials must be >= 1, got {design.total}")
    lane, share = lane_of(request, base.batch, nodes), share_of(request)
    limits = budget.limits(request, lane.workers * lane.gpus_per_worker)
    return Plan(
        study=_name(request, space, grid, base),
        space=space.name,
        question=grid.question if grid else tasks.question_of(space, question.objectives),
        design=design,
        base=flatten(base),
        objectives=question.objectives,
        seed=request.seed,
        lanes=count_lanes(nodes, lane, lanes_now(share, request.lanes), design.total),
        workers=lane.workers,
        cpus_per_worker=lane.cpus_per_worker,
        gpus_per_worker=lane.gpus_per_worker,
        gpu_share=share,
        budget=budget.finite(limits),
        correction=cross_validation.correction(request),
        smallest=_smallest(request, question.objectives, design),
        fresh=request.fresh,
        sharing=grid is not None and not request.no_sharing,
        plugin=_plugin_text(),
        metrics={name: METRICS[name] for name in PLUGIN.metrics},
        storage=request.storage_folder(),
        tracking_uri=request.tracking(),
    )


def _without_holdout(base: TrialConfig, design: Search | Ablation) -> TrialConfig:
    """All images train where nothing is chosen, unless the user holds some out."""
    if base.data.holdout == AUTO and not same_images.chosen(design, flatten(base)):
        return base.changed({"data/holdout": 0})
    return base


def _try_plugin(space: Space, base: TrialConfig, design: Search | Ablation) -> None:
    if PLUGIN.digest:  # without a plug-in, a plan does not need torch
        from study.planning.plugin_parameters import try_plugin

        try_plugin(space, base, design)


def _plugin_text() -> PluginText | None:
    """The installed plug-in; None without one."""
    if not PLUGIN.digest:
        return None
    from trainables.plugin import installed

    plugin = installed()
    assert plugin is not None
    return PluginText(name=plugin.name, text=plugin.text, digest=plugin.digest)


def _rerun(request: StudyRequest) -> _Question | None:
    """What ``--winner``, ``--control`` or ``--horizon`` runs; the earlier study has decided all
    other options."""
    lanes = {"workers", "cpus_per_worker", "gpus_per_worker"}
    allowed = {*PLACES, *lanes, "seeds", "smallest", "correction", "fresh", "no_sharing", "name"}
    storage = request.storage_folder()
    if request.winner:
        request.require_only({*allowed, "winner"}, "winner", "its search has decided it")
        comparison = rerun.rerun_winner(storage, request.winner, request.trust)
    elif request.control:
        request.require_only({*allowed, "control", "changes"}, "control", "its study decided it")
        changes = request.set_values()
        comparison = rerun.rerun_at_one_rate(storage, request.control, changes, request.trust)
    elif request.horizon:
        request.require_only({*allowed, "horizon"}, "horizon", "its study decided it")
        comparison = horizon.run_longer(storage, request.horizon, request.seeds, request.trust)
    else:
        return None
    return _Question(
        SPACES[comparison.space],
        comparison.base,
        comparison.grid,
        parse_objectives(comparison.objective),
        comparison.seeds,
    )


def _question(request: StudyRequest, nodes: list[Node]) -> _Question:
    grid = grids.grid_of(request)
    request, grid = as_published(request, grid)
    named = request.space or ("all_losses" if grid else None)
    space = SPACES[choice("--space", named, list(SPACES))]
    searched = [] if grid else [dimension.path for dimension in space.dimensions]
    for text in request.changes:
        if text.partition("=")[0] in searched:
            raise ValueError(f"--set must leave {', '.join(searched)} to the search, got {text!r}")
    base = gpu_defaults.base_on(nodes, request, space, grid)
    cross_validation.check(request, grid, base)
    base = tasks.for_cells(base, grid, request.set_values())
    objectives = parse_objectives(request.objective or tasks.usual_objective(base))
    cells = grid.cells if grid else ()
    reported = [name for cell in cells for row in cell.published.values() for name in row]
    measured = measuring(objectives, reported, request.set_values())
    return _Question(space, base.changed(measured), grid, objectives)


def _search(request: StudyRequest, question: _Question) -> Search:
    usual = BUILT_IN_TRIALS if question.base.data.dataset in DRAWN else DEFAULT_TRIALS
    trials = usual if request.trials is None else request.trials
    require(trials >= 1, "--trials", ">= 1", trials)
    return Search(
        trials=trials,
        confirm=_confirming_seeds(request, question),
        sampler=choice("--sampler", request.sampler, SAMPLERS),
        scheduler=choice("--scheduler", request.scheduler, SCHEDULERS),
        warm_start=_warm_start(request, question),
        dimensions=() if question.space.name in BUILT_IN else question.space.dimensions,
    )


def _confirming_seeds(request: StudyRequest, question: _Question) -> tuple[int, ...]:
    """The seeds of the confirmation; the search's own seed chose the winner, so it is none."""
    several = len(question.objectives) > 1
    usual = fewest_seeds() if question.base.data.dataset in DRAWN and not several else 0
    count = usual if request.confirm is None else request.confirm
    require(count >= 0, "--confirm", ">= 0", count)
    if count and several:
        raise refused("--confirm", "with one --objective, which names one winner", count)
    first = question.base.seed + 1
    return tuple(range(first, first + count))


def _warm_start(request: StudyRequest, question: _Question) -> WarmStart | None:
    if request.warm_start is None:
        return None
    return warm_start.gather(
        request.storage_folder(),
        request.warm_start,
        question.space,
        question.base,
        list(question.objectives),
        request.sampler,
    )


def _ablation(request: StudyRequest, question: _Question, grid: Grid) -> Ablation:
    if request.confirm:
        raise refused("--confirm", "with a search: a grid compares on --seeds", request.confirm)
    searches = grids.search_trials(request, grid)
    grid = grids.only_cells(request, grid if searches else grids.unsearched(grid))
    grid = grids.checked_grid(request, grid, question.base)
    usual = question.usual_seeds or cross_validation.usual_seeds(request, grid)
    count, looks = (usual, ()) if request.seeds is None else seeds_and_looks(request.seeds)
    if looks and correction_of(request) == "holm":
        raise refused("--seeds", "a number with --correction holm", request.seeds)
    # A seed that chose weights may not compare them.
    first = question.base.seed + bool(searches)
    if request.warm_start is not None:
        raise ValueError(f"--warm-start goes with a search, got the grid {grid.name}")
    return Ablation(
        grid=grid,
        seeds=tuple(range(first, first + count)),
        folds=request.folds,
        looks=looks,
        search_trials=searches,
        sampler=choice("--sampler", request.sampler, SAMPLERS) if searches else "none",
    )


def _smallest(
    request: StudyRequest, objectives: Mapping[str, str], design: Search | Ablation
) -> float | None:
    """The smallest effect that matters, in the objective's own unit."""
    if (given := request.smallest) is None:
        return None
    require(0 < given < math.inf, "--smallest", "> 0", given)
    if isinstance(design, Search) and not design.confirm:
        raise refused("--smallest", "with --grid or --confirm, which compare", given)
    if correction_of(request) == "holm":
        raise refused("--smallest", "without --correction holm, which has no such test", given)
    return given / 100 if METRICS[next(iter(objectives))].unit == "fraction" else given


def _name(request: StudyRequest, space: Space, grid: Grid | None, base: TrialConfig) -> str:
    what = f"{space.name}-{grid.name}" if grid else space.name
    name = request.name or f"{what}-{base.data.dataset}-{time.strftime('%Y%m%d-%H%M%S')}"
    check_name(name)
    return name
