"""Backbone weights from a file or from timm's hub, and a plain word when they cannot be had."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn


def load_backbone(encoder: nn.Module, path: Path) -> str:
    """Load what fits into a backbone and say how much that was.

    The file is a state dict under timm's names, in any float type.

    Raises:
        ValueError: no such file, not a state dict, or nothing in it fits.
    """
    if not path.is_file():
        raise ValueError(f"model/weights must be none, imagenet or a file, got {str(path)!r}")
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        reason = str(error).splitlines()[0]
        raise ValueError(f"model/weights: {path} is not a weights file: {reason}") from None
    own = encoder.state_dict()
    fitting = {
        name: value.to(own[name].dtype)
        for name, value in state.items()
        if name in own and own[name].shape == value.shape
    }
    if not fitting:
        raise ValueError(f"model/weights: nothing in {path} fits {type(encoder).__name__}")
    encoder.load_state_dict(fitting, strict=False)
    learned = [name for name in own if not name.endswith("num_batches_tracked")]
    missing = sum(name not in fitting for name in learned)
    return (
        f"{len(fitting)} tensors loaded, {missing} kept their initial values, "
        f"{len(state) - len(fitting)} of the file left over"
    )


def unreachable(encoder: str, error: Exception) -> ValueError:
    """What a user reads when timm's hub does not answer."""
    offline = " (offline mode is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
    return ValueError(
        f"model/weights: imagenet weights of {encoder} cannot be fetched{offline}: "
        f"{type(error).__name__}; give a file with --weights PATH or --weights none"
    )
