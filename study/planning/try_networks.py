"""Every network of a plan is tried once before the study starts."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from search_spaces import Space
from study.ledger.plan import Plan
from study.planning.disk import configs
from study.planning.forecast import described
from trainables.config import TrialConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.data import Dataset
from trainables.data.batches import require_crops, training_batches
from trainables.lane.error_kind import kind_of
from trainables.lane.failures import FailureKind
from trainables.losses.compose import needs_boundary_head
from trainables.networks.attempt import TWO, Attempt

_CHEAP = 128 * 128
"""Pixels of an image with which arithmetic takes less time than importing the meta device does."""
_NAMED = 3
"""Parameters without a gradient that a line names."""


def try_networks(plan: Plan, space: Space, dataset: Dataset) -> str:
    """Try each network of the plan on two of its images and on one, at the study's own size.

    On large images, Edgewise's own are tried without memory or arithmetic (torch's meta device); a
    plug-in's are always tried on the CPU, as what fails on the meta device may be right.

    Returns:
        Which parameters of a plug-in's networks get no gradient; "" if all get one.

    Raises:
        ValueError: one line that names the network, what was tried and why it does not work.
    """
    found = {}
    for config in configs(plan, space):
        head = needs_boundary_head(config.loss)
        key = (config.model, config.task, config.data, config.batch, head)
        if key not in found:
            found[key] = _tried(config, plan, dataset)
    return "; ".join(dict.fromkeys(line for line in found.values() if line))


def _tried(config: TrialConfig, plan: Plan, dataset: Dataset) -> str:
    name, own = config.model.network, config.model.network in PLUGIN.networks
    attempt = _attempt(config, plan.workers, dataset)
    large = attempt.images_B3HW[0, 0].numel() > _CHEAP
    try:
        if large and not own and _runs_without_memory(attempt):
            return ""
        without = attempt.run()
    except ValueError as error:
        raise ValueError(_one_line(error)) from error
    except Exception as error:
        if kind_of(error) == FailureKind.MEMORY:  # the machines of the trials may have it
            return ""
        size = "x".join(map(str, attempt.images_B3HW.shape[-2:]))
        tried = f"tried on two images of {size} px and on one"
        raise ValueError(
            f"model/network {name} cannot run: {tried}, it raised {described(error)}"
        ) from error
    return f"{name}: {_without_gradient(without)}" if own and without else ""


def _attempt(config: TrialConfig, workers: int, dataset: Dataset) -> Attempt:
    """With the first images of the training list, as a rank would see them."""
    share, dataset = config.batch // workers, dataset.for_inputs(config.data.input_names)
    return Attempt(
        config.model,
        dataset.num_classes,
        needs_boundary_head(config.loss),
        _images(config, dataset),
        trained=min(share, TWO),
        pixels=dataset.seen,
        shared_statistics=share == 1 and workers > 1,
        tasks=config.task.of_network(dataset.num_classes, len(dataset.parts)),
        clip=config.data.clip,
    )


def _images(config: TrialConfig, dataset: Dataset) -> Tensor:
    few = dataset.splits["train"].first(max(TWO, config.data.clip))
    require_crops(few, config.data)
    batches = training_batches(
        *(few, config.data),
        batch=TWO,
        seed=config.seed,
        epoch=1,
        rank=0,
        ranks=1,
        pixels=dataset.pixels,
    )
    images_B3HW = next(batches).images_BCHW
    enough = len(images_B3HW) == TWO * config.data.clip
    return images_B3HW if enough else images_B3HW.expand(TWO, -1, -1, -1)


def _runs_without_memory(attempt: Attempt) -> bool:
    """Whether the network works on the meta device; what fails there may work on a real one."""
    try:
        with torch.device("meta"):
            replace(attempt, images_B3HW=attempt.images_B3HW.to("meta")).run()
    except Exception:
        return False
    return True


def _one_line(error: ValueError) -> str:
    return " ".join(str(error).split())


def _without_gradient(paths: Sequence[str]) -> str:
    named = ", ".join(path.removeprefix("network.module.") for path in paths[:_NAMED])
    more = ", .." if len(paths) > _NAMED else ""
    return f"{len(paths)} of its tensors get no gradient ({named}{more})"
