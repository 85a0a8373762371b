"""Where a tensor is, which decides how it is best computed on."""

from torch import Tensor


def on_cpu(tensor: Tensor) -> bool:
    """Whether the host may look at values, and its caches count.

    On a GPU looking makes the host wait until the device has done all that it was given; no loss
    does that in a step.
    """
    return tensor.device.type == "cpu"
