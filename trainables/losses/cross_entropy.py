"""Pixel-wise cross-entropy. Shape letters: B images, K classes, H rows, W columns."""

import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.losses.term import LossTerm


def cross_entropy(logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
    """Sum over valid pixels of -log p(label), in nats; the count is the number of valid pixels.

    ``L_xe`` of InverseForm, Eq. 6. ``logits_BKHW`` float; ``labels_BHW`` int64, 0..K-1 or 255.
    """
    total = F.cross_entropy(logits_BKHW, labels_BHW, ignore_index=VOID, reduction="sum")
    return LossTerm(total, (labels_BHW != VOID).sum())
