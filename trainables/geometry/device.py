"""Where a tensor is, which decides how it is best computed on."""

from torch import Tensor


def on_cpu(tensor: Tensor) -> bool:
    """Whether the host may look at values, and its caches count.

    On a GPU looking makes the host wait until the device has done all that it was given; no loss
    does that in a step.
    """
    return tensor.device.type == "cpu"


def beside(constant: Tensor, other: Tensor) -> Tensor:
    """A constant of the host on the device of another tensor, of its type; the host does not wait
    until the copy has arrived, as it would in ``new_tensor`` and ``to(other)``."""
    return constant.to(other.device, other.dtype, non_blocking=True)
