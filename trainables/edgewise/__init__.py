"""Edgewise in any training script: ``edgewise.losses``, and a study's winner, ``edgewise.Loss``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainables.saved_loss import Loss as Loss

__all__ = ["Loss"]


def __getattr__(name: str) -> object:
    """``Loss``, which takes longer to import than the losses alone."""
    if name != "Loss":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trainables.saved_loss import Loss

    return Loss
