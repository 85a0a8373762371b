"""What a checkpoint holds of a trial's training, and its bytes."""

import io
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor


class TrainingState(TypedDict):
    """State dicts by what they belong to. After a trial's last epoch only the first two are there,
    and ``network`` is the one to evaluate: the average, if there is one."""

    epoch: int
    network: dict[str, Tensor]
    optimizer: NotRequired[dict[str, Any]]
    schedule: NotRequired[int]
    """The optimiser steps that are done."""
    scaler: NotRequired[dict[str, Any]]
    average: NotRequired[dict[str, Tensor]]
    weighting: NotRequired[Tensor]
    """Of the tasks, where their weights change."""


def pack(state: TrainingState) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def unpack(content: bytes, device: torch.device) -> TrainingState:
    """The state that ``pack`` wrote, its tensors on the device."""
    state: TrainingState = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    return state
