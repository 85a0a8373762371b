"""One call of a network, on its device and in the precision of its training."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from trainables.config import OptimConfig
from trainables.config.tasks import TaskName
from trainables.networks.segmentation import SegmenterOutput
from trainables.networks.stm.memory import Memory
from trainables.training.optimization import AUTOCAST


def forward(
    network: Callable[..., SegmenterOutput],
    images_BCHW: Tensor,
    optim: OptimConfig,
    device: torch.device,
    with_boundary: bool = False,
    known: Tensor | Memory | None = None,
) -> SegmenterOutput:
    """Run the network in the config's precision; the output is fp32.

    Args:
        network: a ``Segmenter``, what wraps one, or one that follows an object.
        images_BCHW: in [0,1].
        optim: precision and memory layout.
        device: the network's.
        with_boundary: also run the boundary head of a network in evaluation mode.
        known: of a network that follows an object, as ``Segmenter`` has it.
    """
    images_BCHW = images_BCHW.to(device, non_blocking=True)
    if optim.channels_last:
        images_BCHW = images_BCHW.contiguous(memory_format=torch.channels_last)
    lower = AUTOCAST[optim.precision]
    given = () if known is None else (known,)
    with torch.autocast(device.type, lower, enabled=lower is not None):
        output = network(images_BCHW, with_boundary, *given)
    boundary_BHW = output.boundary_logits_BHW
    return SegmenterOutput(
        output.logits_BKHW.float(),
        None if boundary_BHW is None else boundary_BHW.float(),
        tuple(logits.float() for logits in output.auxiliary_BKHW),
        _floats(output.tasks) if output.tasks else output.tasks,
        tuple(_floats(scale) for scale in output.initial),
    )


def _floats(maps: Mapping[TaskName, Tensor]) -> dict[TaskName, Tensor]:
    return {name: map_BCHW.float() for name, map_BCHW in maps.items()}
