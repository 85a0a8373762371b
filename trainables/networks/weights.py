"""Backbone weights from a file, and one-line errors where they cannot be loaded or fetched."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from trainables.config import require

_WRAPPERS = ("state_dict", "model", "network", "model_state_dict")
_PREFIXES = ("module.", "backbone.", "encoder.", "model.", "body.")
"""What training code puts before a backbone's parameter names; removed until they fit."""


def load_backbone(encoder: nn.Module, path: Path) -> str:
    """Load the tensors that fit into a backbone, and say how many those were.

    The file is a state dict with timm's names (torchvision's ResNets have the same), in any float
    type; it may be wrapped in a checkpoint, and the names may have a prefix.

    Raises:
        ValueError: the file is missing, is no state dict, or nothing in it fits.
    """
    state = read_state(path)
    own = encoder.state_dict()
    # A checkpoint may wrap a backbone several times ("module.model."): try each depth.
    candidates = [_without_prefix(state, count) for count in range(4)]
    state = max(candidates, key=lambda names: sum(_fits(own, *item) for item in names.items()))
    fitting = {
        name: value.to(own[name].dtype) for name, value in state.items() if _fits(own, name, value)
    }
    # The counters of batch norms fit any network, so they prove nothing.
    learned = [name for name in own if not name.endswith("num_batches_tracked")]
    if not any(name in fitting for name in learned):
        raise ValueError(f"model/weights: nothing in {path} fits {type(encoder).__name__}")
    encoder.load_state_dict(fitting, strict=False)
    missing = [name for name in learned if name not in fitting]
    left_over = [name for name in state if name not in fitting]
    return (
        f"{len(fitting)} tensors loaded from {path.name}, "
        f"{len(missing)} kept their initial values{_first(missing)}, "
        f"{len(left_over)} of the file left over{_first(left_over)}"
    )


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file, by name.

    Raises:
        ValueError: the file is missing or holds no state dict.
    """
    require(path.is_file(), "model/weights", "none, imagenet or a file", str(path))
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a file that is no checkpoint
        reason = str(error).splitlines()[0]
        raise ValueError(f"model/weights: {path} is not a weights file: {reason}") from None
    for name in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    tensors = content.items() if isinstance(content, dict) else ()
    state = {name: value for name, value in tensors if isinstance(value, Tensor)}
    if not state:
        raise ValueError(f"model/weights: {path} is not a weights file: it holds no named tensors")
    return state


def _fits(own: dict[str, Tensor], name: str, value: Tensor) -> bool:
    return name in own and own[name].shape == value.shape


def _without_prefix(state: dict[str, Tensor], count: int) -> dict[str, Tensor]:
    """The state with up to ``count`` prefixes removed from each name."""
    for _ in range(count):
        state = {_stripped(name): value for name, value in state.items()}
    return state


def _stripped(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _first(names: list[str]) -> str:
    return f" ({names[0]}{', ..' if len(names) > 1 else ''})" if names else ""


def unreachable(encoder: str, error: Exception) -> ValueError:
    """The error that a user reads when pretrained weights cannot be fetched from the hub."""
    offline = " (offline mode is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
    return ValueError(
        f"model/weights: imagenet weights of {encoder} cannot be fetched{offline}: "
        f"{type(error).__name__}; give a file with --weights PATH or --weights none"
    )
