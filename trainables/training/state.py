"""What a checkpoint holds of a trial's training, and its bytes."""

import io
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor


class TrainingState(TypedDict):
    """State dicts by what they belong to."""

    epoch: int
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    schedule: int
    """The optimiser steps that are done."""
    scaler: dict[str, Any]
    average: NotRequired[dict[str, Tensor]]


def pack(state: TrainingState) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def unpack(content: bytes, device: torch.device) -> TrainingState:
    """The state that ``pack`` wrote, its tensors on the device."""
    state: TrainingState = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    return state
