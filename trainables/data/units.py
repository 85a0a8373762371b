"""Stored pixels as the floats that a network receives, the same ones on every device."""

import torch
from torch import Tensor


def in_units(stored: Tensor) -> Tensor:
    """Values in the unit of their type: bytes / 255, 16 bits / 65535, floats as they are.

    On CUDA a number as the divisor would be turned into a factor, which rounds otherwise; so the
    divisor lies on the device. ``int16`` holds 16 bits whose sign means nothing.
    """
    if stored.dtype == torch.float32:
        return stored
    sixteen = stored.dtype in (torch.int16, torch.uint16)
    values = (stored.int() & 0xFFFF if stored.dtype == torch.int16 else stored).float()
    return values.div_(torch.full((), 65535.0 if sixteen else 255.0, device=stored.device))
