"""The runs, stages and lanes of a plan."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import NamedTuple

from cluster.resources import LaneRequest, Node, count_lanes, placement, workers_that_fit
from search_spaces import Dimension, Space
from study.ledger.design import seed_and_fold
from study.ledger.plan import Plan
from study.planning.gpu_lanes import lanes_now
from trainables.config import TrialConfig, Value, flatten, from_flat, image_paths, refused
from trainables.data import Dataset
from trainables.lane.trial_spec import TrialSpec
from trainables.losses.compose import active_weights
from trainables.losses.trial_terms import measured_of, of_labels
from trainables.metrics.catalog import METRICS
from trainables.stages import registry

_STAGE_WEIGHTS = ("loss/gamma", "loss/lambda_1", "loss/lambda_2", "loss/lambda_3")
"""Loss weights that need a stage once they are positive."""
_BOUNDARY_WEIGHTS = (*_STAGE_WEIGHTS, "loss/beta", "loss/w_a", "loss/bl")
_BOUNDARY_TERMS = {
    "active_boundary",
    "boundary_cross_entropy",
    "boundary_loss",
    "edge",
    "inverse_form",
}
"""The loss terms that learn from true boundaries, and nothing where there are none."""
_BYTES_A_PIXEL = 3 * 4 + 8
"""Of a batch: three colours as floats, and a label."""


class Stage(NamedTuple):
    """A stage that a trial may need: its kind, and a config that determines its content."""

    kind: str
    config: TrialConfig


def grid_runs(plan: Plan) -> list[TrialSpec]:
    """An ablation's runs: every cell that can run, on every seed; none for a search.

    All cells of a seed (and of a fold) come before the next one, so that an interrupted study
    leaves complete pairs. The numbers of the cells' own searches come first.
    """
    cells, searches = plan.design.cells, plan.design.search_trials
    pairs = [(cell, unit) for unit in plan.design.units for cell in cells]
    return [
        TrialSpec(
            number=number,
            cell=cell.name,
            params=dict(cell.changes),
            config=plan.resolve({**cell.changes, **_of_unit(unit, plan.design.folds)}),
        )
        for number, (cell, unit) in enumerate(pairs, start=searches * len(cells))
    ]


def _of_unit(unit: int, folds: int) -> dict[str, Value]:
    seed, fold = seed_and_fold(unit, folds)
    return {"seed": seed, **({"data/fold": fold} if folds else {})}


def needed_stages(plan: Plan, space: Space) -> list[Stage]:
    """Every stage that a trial of this plan may need; equal ones count once."""
    found: dict[str, Stage] = {}
    for config in _possible_configs(plan, space):
        for kind in registry.needed(config):
            found.setdefault(registry.stage_key(kind, config, ""), Stage(kind, config))
    return list(found.values())


def _possible_configs(plan: Plan, space: Space) -> list[TrialConfig]:
    """An ablation's configs; for a search, one config for each set of stages."""
    runs = [from_flat(run.config) for run in grid_runs(plan)]
    return runs or _searched_configs(plan, space)


def slowest(plan: Plan, space: Space) -> TrialConfig:
    """The config to forecast from: one that needs a stage, or has the most loss terms."""
    needed = needed_stages(plan, space)
    if needed:
        return needed[-1].config
    configs = _possible_configs(plan, space) or [plan.config]
    return max(configs, key=lambda config: len(active_weights(config.loss)))


def check_images(plan: Plan, space: Space) -> None:
    """Check that all trials need the same images: the study decodes them once, for all.

    Raises:
        ValueError: a cell or a search changes which images those are, or their size.
    """
    shared = plan.config.data.unaugmented()
    for run in grid_runs(plan):
        if "data/fold" in run.params:
            raise refused("data/fold", f"left to --folds, in {run.cell!r}", run.params["data/fold"])
        data = from_flat(run.config).data.unaugmented()
        for field in fields(data):
            if getattr(data, field.name) != getattr(shared, field.name):
                raise ValueError(
                    f"data/{field.name} must be the same in every cell, here "
                    f"{getattr(shared, field.name)!r}, got {getattr(data, field.name)!r} in "
                    f"{run.cell!r}: make it a study of its own"
                )
    for dimension in searched_dimensions(plan, space):
        if dimension.path in image_paths():
            raise ValueError(
                f"{dimension.path} must be the same in every trial, got the search over "
                f"{dimension.bounds()}: make each value a study of its own"
            )


def searched_dimensions(plan: Plan, space: Space) -> list[Dimension]:
    """The dimensions of a search, or those of the cells' own searches."""
    cells = plan.design.cells
    if not cells:
        return list(space.dimensions)
    return [dimension for cell in cells for dimension in cell.searched]


def check_memory(config: TrialConfig, workers: int, available: int) -> None:
    """Refuse images of which a rank cannot hold a single batch, before any is decoded.

    Args:
        config: with the size of its images; those of the files themselves are not known yet.
        workers: ranks that share a batch.
        available: bytes of memory of the machine.

    Raises:
        ValueError: one batch as floats with its labels, or one image, takes more.
    """
    data = config.data
    rows, columns = data.crop_height or data.height, data.crop_width or data.width
    train_bytes = config.batch // workers * rows * columns * _BYTES_A_PIXEL
    needed = max(train_bytes, data.height * data.width * _BYTES_A_PIXEL)
    if needed > available:
        raise ValueError(
            f"data/height and data/width must fit into memory, got {data.height} and {data.width}"
            f"{f' with crops of {rows} and {columns}' if data.crop_height else ''}: a batch of "
            f"{config.batch // workers} images takes {needed / 2**30:.0f} GiB, this machine has "
            f"{available / 2**30:.0f} GiB"
        )


def check_sanity(plan: Plan, space: Space, dataset: Dataset) -> None:
    """Raise a ValueError for data that no study, or none with a boundary loss, can be run on."""
    for line in dataset.sanity.failures:
        raise ValueError(f"{dataset.name}: {line}")
    flat = [split for split in ("train", "val") if split in dataset.sanity.without_boundary]
    weights = _searched_weights(plan.base, space, _BOUNDARY_WEIGHTS)
    configs = [*_possible_configs(plan, space), plan.config.changed(weights)]
    used = {name for config in configs for name in of_labels(config)} & _BOUNDARY_TERMS
    if flat and used:
        raise ValueError(
            f"{dataset.name}: no boundary at all in the masks of {' and '.join(flat)}, and "
            f"{', '.join(sorted(used))} needs one: give masks with at least two classes in an image"
        )


def require_measured(plan: Plan, space: Space, dataset: Dataset) -> None:
    """Raise a ValueError for an objective that these data do not have or a trial does not measure,
    and for a loss term that a trial cannot measure on validation."""
    configs = _possible_configs(plan, space) or [plan.config]
    for config in configs:
        measured_of(config)
    for name in plan.objectives:
        field, kind = METRICS[name].field, METRICS[name].series
        if kind and any(images.series != kind for images in dataset.splits.values()):
            allowed = f"a metric of {dataset.name}'s images, which are no {kind}s"
            raise refused("--objective", allowed, name)
        for config in configs:
            if field and not flatten(config)[field]:
                raise refused(field, f"true with --objective {name} in every trial", False)


def check_stages(plan: Plan, space: Space, dataset: Dataset) -> None:
    """Raise a ValueError if a stage that may be needed cannot be trained on this data."""
    for stage in needed_stages(plan, space):
        registry.check(stage.kind, stage.config, dataset)


def request_of(plan: Plan) -> LaneRequest:
    """The resources that each of the plan's lanes requests."""
    return LaneRequest(plan.workers, plan.cpus_per_worker, plan.gpus_per_worker)


def place(plan: Plan, nodes: list[Node], wanted: int) -> Plan:
    """Count the plan's lanes and place them on these machines; ``wanted`` 0: all that fit.

    Raises:
        ValueError: the lanes can never fit.
    """
    request = request_of(plan)
    lanes = count_lanes(nodes, request, lanes_now(plan.gpu_share, wanted), plan.trials)
    return replace(plan, lanes=lanes, most_lanes=wanted, places=placement(nodes, request, lanes))


def lanes_on(plan: Plan, nodes: list[Node]) -> int:
    """Lanes that these machines have room for, at most as many as requested and at least one."""
    fit = workers_that_fit(nodes, request_of(plan)) // plan.workers
    return max(min(fit, plan.most_lanes or fit, plan.trials), 1)


def _searched_configs(plan: Plan, space: Space) -> list[TrialConfig]:
    """One config for every combination of the searched fields that decide a stage."""
    possible = plan.config.changed(_searched_weights(plan.base, space))
    return [
        possible.changed(choice)
        for kind in registry.needed(possible)
        for choice in _choices(space, registry.deciding_paths(kind))
    ]


def _choices(space: Space, paths: list[str]) -> list[dict[str, Value]]:
    """Every combination of values that the space can draw for ``paths``."""
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


def _searched_weights(
    base: Mapping[str, Value], space: Space, weights: tuple[str, ...] = _STAGE_WEIGHTS
) -> dict[str, Value]:
    """The weights that turn these losses on, made positive where they are searched."""
    searched = {dimension.path for dimension in space.dimensions}
    return {path: 1.0 for path in weights if path in searched and not base.get(path)}
