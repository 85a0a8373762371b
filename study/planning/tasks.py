"""The tasks of a request: the maps that its trials read, and the objectives that they have."""

from collections.abc import Iterable, Mapping

from search_spaces import Cell, Grid, Space
from study.analysis.grid_tasks import tasks_of
from study.ledger.design import Ablation, Search
from trainables.config import TrialConfig, Value, flatten, refused
from trainables.config.dataset_maps import maps_of
from trainables.config.films import follows
from trainables.config.plugin_fields import PLUGIN
from trainables.config.tasks import TARGETS, TASKS
from trainables.metrics.catalog import METRICS, OF_TASK

_TARGETS, _NAMES = "data/targets", ("task/tasks", "task/auxiliary", "data/inputs")


def changes_of(names: str) -> dict[str, Value]:
    """``--tasks``: the config's tasks, in its order."""
    given = [name.strip() for name in names.split(",")]
    unknown = [name for name in given if name not in TASKS]
    if unknown or len(set(given)) < len(given):
        raise refused("--tasks", f"different names of {','.join(TASKS)}", names)
    return {"task/tasks": ",".join(name for name in TASKS if name in given)}


def with_targets(changes: Mapping[str, Value]) -> dict[str, Value]:
    """The changes, with the maps that tasks and inputs need unless they say which are read."""
    named = _names(changes)
    if _TARGETS in changes or not named:
        return dict(changes)
    return {**changes, _TARGETS: _ordered(named)}


def for_cells(base: TrialConfig, grid: Grid | None, given: Iterable[str]) -> TrialConfig:
    """The base config, which reads every map that a cell needs and the dataset can have.

    Args:
        given: the fields that the user decides.
    """
    if grid is None or _TARGETS in given:
        return base
    needed = {name for cell in grid.cells for name in _names(cell.changes)}
    can = {*base.data.target_names, *_available(base)}
    read = _ordered({*base.data.target_names, *(needed & can)})
    return base.changed({_TARGETS: read}) if read != base.data.targets else base


def lacking(cell: Cell, base: TrialConfig) -> str:
    """Which maps a cell needs and its data do not have, in words; "" if they have all."""
    absent = _ordered(_names(cell.changes) - {*base.data.target_names, "semseg"})
    if not absent:
        return ""
    maps = absent.replace(",", ", ")
    if set(absent.split(",")) <= {*_available(base)}:
        return f"{maps} among data/targets"
    return f"maps of {maps}, which {base.data.dataset} does not have"


def _available(base: TrialConfig) -> tuple[str, ...]:
    return maps_of(base.data.dataset, plugin=bool(PLUGIN.digest))


def _names(changes: Mapping[str, Value]) -> set[str]:
    return {name for path in _NAMES for name in str(changes.get(path, "")).split(",") if name}


def _ordered(names: Iterable[str]) -> str:
    return ",".join(name for name in TARGETS if name in names)


def usual_objective(base: TrialConfig) -> str:
    """Of a study that names none: the metric of its first task, or DAVIS' J&F where a network
    follows an object."""
    return "davis_jf" if follows(base.model) else OF_TASK[base.task.names[0]]


def question_of(space: Space, objectives: Iterable[str]) -> str:
    """A space's question, which names the objectives where they are not of the segmentation."""
    if all(METRICS[name].task == "semseg" for name in objectives):
        return space.question
    return space.question.replace("best segmentation", f"best {' and '.join(objectives)}")


def check(design: Search | Ablation, base: TrialConfig, objectives: Iterable[str]) -> None:
    """Check that trials have the objectives that rank or compare them.

    Raises:
        ValueError: they have no such task, or its metric is not measured on validation.
    """
    for name in objectives:
        if isinstance(design, Search):
            _require_task(name, base)
        else:
            _require_compared(name, design, base)
        if METRICS[name].task == "edge" and not base.eval.edge_thresholds:
            raise refused("eval/edge_thresholds", f"1 or more with --objective {name}", 0)


def _require_task(name: str, base: TrialConfig) -> None:
    if METRICS[name].task not in base.task.names:
        allowed = ", ".join(OF_TASK[task] for task in base.task.names)
        raise refused("--objective", f"a metric of the tasks: {allowed}", name)


def _require_compared(name: str, design: Ablation, base: TrialConfig) -> None:
    """A cell that lacks the objective's task has its own metrics alone, and is not ranked."""
    grid = design.grid
    task = METRICS[name].task
    having = {cell.name for cell in design.cells if task in tasks_of(cell, flatten(base))}
    others = [cell.name for cell in design.cells if not grid.is_baseline(cell.name)]
    compared = [cell for cell in others if {cell, grid.baseline_of(cell)} <= having]
    if others and not compared:
        allowed = f"a metric that a cell and its baseline have ({task} is no task of both)"
        raise refused("--objective", allowed, name)
    without = [cell.name for cell in design.cells if cell.name not in having]
    if without and (base.eval.checkpoint == "best" or base.eval.both_checkpoints):
        allowed = f"the last epoch's: {without[0]!r} has no {name}, which would choose the best"
        raise refused("eval/checkpoint", allowed, "best")
    if design.looks and (unseen := set(others) - set(compared)):
        allowed = f"a number: {min(unseen)!r} has no {name} to look at"
        raise refused("--seeds", allowed, f"looks at {', '.join(map(str, design.looks))}")
