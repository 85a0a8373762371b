"""What a grid runs, and the learned parts that a plan of either sort needs."""

from dataclasses import fields, replace
from typing import NamedTuple

from cluster.resources import LaneRequest, Node, count_lanes, placement, workers_that_fit
from search_spaces import Space
from study.ledger.plan import Plan
from study.ledger.record import Value
from trainables.config import TrialConfig, flatten, from_flat
from trainables.data import Dataset
from trainables.losses.compose import active_weights
from trainables.stages import registry

_STAGE_WEIGHTS = ("loss/gamma", "loss/lambda_1", "loss/lambda_2", "loss/lambda_3")


class Stage(NamedTuple):
    """A learned part that a trial may need: which kind, and a config that decides it."""

    kind: str
    config: TrialConfig


class Run(NamedTuple):
    """One planned trial of a grid."""

    number: int
    cell: str
    seed: int
    params: dict[str, Value]
    """What the cell changes."""
    config: dict[str, Value]
    """The whole config, by path."""


def grid_runs(plan: Plan) -> list[Run]:
    """Every cell that can be run on every seed. All cells of a seed come before the next seed, so
    that a study that is cut off leaves whole pairs."""
    assert plan.grid is not None
    cells = [cell for cell in plan.grid.cells if not cell.needs]
    searches = plan.search_trials * len(cells)
    pairs = [(cell, seed) for seed in plan.seeds for cell in cells]
    return [
        Run(
            number,
            cell.name,
            seed,
            dict(cell.changes),
            plan.resolve({**cell.changes, "seed": seed}),
        )
        for number, (cell, seed) in enumerate(pairs, start=searches)
    ]


def needed_stages(plan: Plan, space: Space) -> list[Stage]:
    """Every learned part that a trial of this plan may need, once."""
    if plan.grid is not None:
        return _of_cells(plan)
    return stage_configs(plan, space)


def _of_cells(plan: Plan) -> list[Stage]:
    """What the cells look through; cells that need an equal part share it."""
    found: dict[str, Stage] = {}
    for run in grid_runs(plan):
        config = from_flat(run.config)
        for kind in registry.needed(config):
            found.setdefault(registry.stage_key(kind, config, ""), Stage(kind, config))
    return list(found.values())


def slowest(plan: Plan, space: Space) -> TrialConfig:
    """A config that a forecast is taken from: one that needs a stage, or has the most terms."""
    needed = needed_stages(plan, space)
    if needed:
        return needed[-1].config
    configs = [from_flat(run.config) for run in grid_runs(plan)] if plan.grid else [plan.base]
    return max(configs, key=lambda config: len(active_weights(config.loss)))


def check_images(plan: Plan) -> None:
    """Raise a ValueError if a cell asks for other images: the study decodes them once, for all."""
    shared = plan.base.data.unaugmented()
    for run in grid_runs(plan) if plan.grid else []:
        own = from_flat(run.config).data.unaugmented()
        for field in fields(own):
            if getattr(own, field.name) != getattr(shared, field.name):
                raise ValueError(
                    f"data/{field.name} must be the same in every cell, here "
                    f"{getattr(shared, field.name)!r}, got {getattr(own, field.name)!r} in "
                    f"{run.cell!r}: make it a study of its own"
                )


def check_stages(plan: Plan, space: Space, dataset: Dataset) -> None:
    """Raise a ValueError if a stage that may be needed cannot be trained on this data."""
    for stage in needed_stages(plan, space):
        registry.check(stage.kind, stage.config, dataset)


def request_of(plan: Plan) -> LaneRequest:
    return LaneRequest(plan.workers, plan.cpus_per_worker, plan.gpus_per_worker)


def place(plan: Plan, nodes: list[Node], wanted: int) -> Plan:
    """The plan with its lanes counted and placed on these machines; ``wanted`` 0 is all that fit.

    Raises:
        ValueError: they can never fit.
    """
    request = request_of(plan)
    lanes = count_lanes(nodes, request, wanted, plan.trials)
    return replace(plan, lanes=lanes, most_lanes=wanted, places=placement(nodes, request, lanes))


def lanes_on(plan: Plan, nodes: list[Node]) -> int:
    """Lanes that these machines have room for, within what was asked; at least one, to wait."""
    fit = workers_that_fit(nodes, request_of(plan)) // plan.workers
    return max(min(fit, plan.most_lanes or fit, plan.trials), 1)


def stage_configs(plan: Plan, space: Space) -> list[Stage]:
    """One entry for each learned part that a trial of this study may need."""
    from trainables.stages.registry import deciding_paths, needed

    possible = plan.base.changed(_searched_weights(plan.base, space))
    return [
        Stage(kind, possible.changed(choice))
        for kind in needed(possible)
        for choice in _choices(space, deciding_paths(kind))
    ]


def _choices(space: Space, paths: list[str]) -> list[dict[str, Value]]:
    """Every combination of the searched ones among these fields, conditions kept."""
    combinations: list[dict[str, Value]] = [{}]
    for dimension in space.dimensions:
        if dimension.path in paths:
            values = space.choices(dimension.path)
            combinations = [
                extended
                for chosen in combinations
                for extended in (
                    [{**chosen, dimension.path: value} for value in values]
                    if dimension.applies(chosen)
                    else [chosen]
                )
            ]
    return combinations


def _searched_weights(base: TrialConfig, space: Space) -> dict[str, Value]:
    """The weights that turn on a learned loss, not zero where they are searched."""
    flat, searched = flatten(base), {dimension.path for dimension in space.dimensions}
    return {path: 1.0 for path in _STAGE_WEIGHTS if path in searched and not flat[path]}
