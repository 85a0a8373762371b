"""Networks for images with other than three bands: which of them can be built, and what they do.

Shape letters: B images, C bands, H rows, W columns.
"""

import inspect
from collections.abc import Callable

import torch
from torch import nn

from trainables.config import ModelConfig, refused
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks
from trainables.networks.weights import RANDOM

_SIDE = 128
"""Of the image that a network is tried on, at least."""


def built(
    build: Callable[..., object],
    config: ModelConfig,
    num_classes: int,
    pixels: Pixels,
    tasks: NetworkTasks | None = None,
) -> object:
    """What ``model/network`` builds for these images and tasks.

    Photographs and segmentation need nothing more than before; other images are announced to a
    network that has a parameter ``pixels`` for them, or ``bands`` for their number; tasks to one
    with a parameter ``tasks``, which has its own heads.
    """
    if pixels == RGB and tasks is None:
        return build(config, num_classes)
    takes = inspect.signature(build).parameters
    further: dict[str, object] = {}
    if pixels != RGB:
        further = {"pixels": pixels} if "pixels" in takes else {"bands": pixels.bands}
    given = {**further, "tasks": tasks}
    return build(config, num_classes, **{name: given[name] for name in given if name in takes})


def require_bands(name: str, network: nn.Module, pixels: Pixels) -> None:
    """Raise a ValueError in one line if a network cannot take that many bands."""
    if pixels.bands == RGB.bands:
        return
    was_training = network.training
    multiple = getattr(network, "multiple", 1)
    side = -(-_SIDE // multiple) * multiple
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, pixels.bands, side, side))
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise refused(
            f"model/network {name}",
            f"one for images of {pixels.bands} bands (a plug-in's with a parameter `bands`)",
            reason,
        ) from None
    finally:
        network.train(was_training)


def transfer_of(transfer: str, pixels: Pixels) -> str:
    """Where a network's initial weights came from, with what became of the first layer."""
    if pixels.bands == RGB.bands:
        return transfer
    how = (
        "its 3 weights summed" if pixels.bands == 1 else f"weights repeated, times 3/{pixels.bands}"
    )
    if transfer == RANDOM:
        how = "random weights"
    return f"{transfer}; first layer adapted from 3 to {pixels.bands} bands: {how}"
