"""Edgewise's losses in other trainers; docs/adapters.md has an example of each."""

from trainables.modules.adapters import ChannelLabels, EdgewiseLoss, two_logits

__all__ = ["ChannelLabels", "EdgewiseLoss", "two_logits"]
