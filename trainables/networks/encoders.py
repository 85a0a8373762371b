"""Encoders by name: any of timm, and SegFormer's, which segmentation-models-pytorch has.

timm and segmentation-models-pytorch take seconds to import: they are imported where they are used.
"""

import difflib
import inspect
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import nn

from trainables.config import refused

MIX_TRANSFORMERS = tuple(f"mit_b{size}" for size in range(6))
"""SegFormer's (Xie et al., NeurIPS 2021). timm has the library's other encoders, too, and says how
their weights expect the images."""
_ANY_SIZE = {"strict_img_size": False, "dynamic_img_size": True}
"""What timm's models call it that images may have any size."""
_CHANCE = ("drop_prob", "drop_rate", "prob")
"""Where modules of timm and torch that draw random numbers keep their share, beside ``p``."""
_SHOWN = 4


class SmpModel(Protocol):
    """A model of segmentation-models-pytorch, which has no types."""

    encoder: Any
    decoder: Any
    segmentation_head: Any


def smp_name(name: str) -> str:
    """The encoder's name in segmentation-models-pytorch: ``tu-`` before one of timm.

    Raises:
        ValueError: there is none; the line gives similar names.
    """
    import timm

    if timm.is_model(name):
        return f"tu-{name}"
    if name in MIX_TRANSFORMERS:
        return name
    raise refused("model/encoder", f"an encoder of timm{_similar(name)}", name)


def _similar(name: str) -> str:
    import timm

    known = [*timm.list_models(), *MIX_TRANSFORMERS]
    bare = name.lower().removeprefix("tu-").removeprefix("timm-").partition(".")[0]
    near = difflib.get_close_matches(bare, known, _SHOWN, cutoff=0.5)
    within = [each for each in known if bare and bare in each][:_SHOWN]
    found = list(dict.fromkeys([*near, *within]))[:_SHOWN]
    return f" such as {', '.join(found)}" if found else " (timm.list_models() has them)"


def sketch(name: str) -> nn.Module:
    """A timm model without memory or weights, to look at its layout."""
    import timm

    bare = name.partition(".")[0]
    try:
        with torch.device("meta"):
            return timm.create_model(bare)
    except (RuntimeError, NotImplementedError):  # some compute while they are built
        return timm.create_model(bare)


def any_size(model: nn.Module) -> dict[str, bool]:
    """The options with which a timm model of this class takes images of any size."""
    accepted = set(_parameters(type(model)))
    return {name: value for name, value in _ANY_SIZE.items() if name in accepted}


def _parameters(kind: type[nn.Module]) -> Iterator[str]:
    """Of its constructor and, where that passes them on, of its bases'."""
    for each in kind.__mro__:
        if "__init__" in vars(each) and each is not nn.Module:
            yield from inspect.signature(vars(each)["__init__"]).parameters


def without_chance(module: nn.Module) -> None:
    """Turn off dropout and stochastic depth, in place: see the head of ``network.py``."""
    for part in module.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd):
            part.p = 0.0
        for name in _CHANCE:
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)
