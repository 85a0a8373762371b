"""The loss terms of a trial: of its classes, boundaries and tasks, each with a name and a weight.

The segmentation's terms have the names of ``TERMS``; a task's own loss is ``task_depth``, and that
of its initial predictions ``initial_depth``.
"""

from trainables.config import TrialConfig, require
from trainables.config.model import INITIAL
from trainables.config.tasks import TASKS, TaskName
from trainables.losses.compose import (
    TERMS,
    active_weights,
    ever_active,
    measured_terms,
)

CROSS_ENTROPY = "cross_entropy"
"""The segmentation's own loss, as a task."""


def own_term(task: TaskName) -> str:
    """The name of a task's own loss."""
    return CROSS_ENTROPY if task == "semseg" else f"task_{task}"


def initial_term(task: TaskName) -> str:
    """The name of the loss of a task's initial predictions, of all scales together."""
    return f"initial_{task}"


def task_weight(config: TrialConfig, task: TaskName) -> float:
    """The weight of a task's own loss, as configured."""
    weight: float = getattr(config.task, task)
    return weight * config.loss.xe if task == "semseg" else weight


def initial_tasks(config: TrialConfig) -> tuple[TaskName, ...]:
    """The tasks with initial predictions, some of which have no other, in the order of ``TASKS``;
    none where the network has no such predictions, or no heads for them."""
    if config.model.network not in INITIAL or not config.model.auxiliary:
        return ()
    both = {*config.task.names, *config.task.auxiliary_names}
    return tuple(task for task in TASKS if task in both)


def weighed_tasks(config: TrialConfig) -> list[TaskName]:
    """The tasks whose own loss has a weight."""
    initial = initial_tasks(config) if config.task.initial else ()
    tasks = dict.fromkeys((*config.task.names, *initial))
    return [task for task in tasks if task_weight(config, task) > 0]


def judged_by(config: TrialConfig, task: TaskName) -> str:
    """The name of the loss by which changing weights judge a task."""
    return own_term(task) if task in config.task.names else initial_term(task)


def weights_of(config: TrialConfig, progress: float = 0.0) -> dict[str, float]:
    """By name, the weight of every term that is active at this point of the training.

    Args:
        config: of the trial.
        progress: the fraction of optimiser steps that are done, in [0, 1].
    """
    weights = active_weights(config.loss, progress)
    weights.pop(CROSS_ENTROPY, None)
    own = {own_term(task): task_weight(config, task) for task in config.task.names}
    again = config.task.initial
    early = {
        initial_term(task): again * task_weight(config, task) for task in initial_tasks(config)
    }
    together = {**own, **weights, **early}
    return {name: weight for name, weight in together.items() if weight > 0}


def names_of(config: TrialConfig) -> list[str]:
    """The terms that are active at some point of the training."""
    always = weights_of(config)
    late = [name for name in ever_active(config.loss) if name != CROSS_ENTROPY]
    segmentation = [name for name in TERMS if name in {*always, *late}]
    return segmentation + [name for name in always if name not in TERMS]


def of_labels(config: TrialConfig) -> list[str]:
    """The terms of ``TERMS`` that see the labels, and not the edge maps of the task ``edge``."""
    names = [name for name in names_of(config) if name in TERMS]
    if "edge" not in config.task.names:
        return names
    moved = config.task.boundary_on == "edge"
    return [
        name
        for name in names
        if TERMS[name].of_segmentation or not (moved or TERMS[name].head(config.loss))
    ]


def measured_of(config: TrialConfig) -> list[str]:
    """The terms that validation measures: those that are trained, and those of ``eval/terms``.

    Raises:
        ValueError: as ``measured_terms``, or a term of classes that the network does not predict.
    """
    requested = config.eval.terms
    if requested == "none":
        return []
    # Initial predictions are made in training alone.
    mine = {own_term(task) for task in config.task.names}
    own = [name for name in names_of(config) if name in mine and name not in TERMS]
    others = [name for name in _split(requested) if name not in own]
    measured = measured_terms(config.loss, ",".join(others))
    if "semseg" not in config.task.names and CROSS_ENTROPY not in others:
        measured = [name for name in measured if name != CROSS_ENTROPY]
    for name in measured:
        allowed = "a term of a task of task/tasks"
        require(_has_head(config, name), "eval/terms", allowed, name)
    return measured + own


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _has_head(config: TrialConfig, name: str) -> bool:
    """Whether the network predicts what this term of ``TERMS`` measures."""
    term = TERMS[name]
    if "semseg" in config.task.names:
        return True
    moved = config.task.boundary_on == "edge" or term.head(config.loss)
    return moved and not term.of_segmentation
