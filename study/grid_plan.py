"""What a grid runs, and the learned parts that a plan of either sort needs."""

from dataclasses import fields
from typing import NamedTuple

from search_spaces import Space
from study.plan import Plan, Stage, stage_configs
from study.trial_record import Value
from trainables import stages
from trainables.config import TrialConfig, from_flat
from trainables.data import Dataset
from trainables.losses.compose import active_weights


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
        Run(number, cell.name, seed, dict(cell.changes),
            plan.resolve({**cell.changes, "seed": seed}))
        for number, (cell, seed) in enumerate(pairs, start=searches)
    ]  # fmt: skip


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
        for kind in stages.needed(config):
            found.setdefault(stages.stage_key(kind, config, ""), Stage(kind, config))
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
        stages.check(stage.kind, stage.config, dataset)
