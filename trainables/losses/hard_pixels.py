"""Cross-entropy of the hard pixels alone: online hard example mining (OHEM).

Shrivastava, Gupta and Girshick (CVPR 2016) mine regions of a detector; segmentation codes (HRNet,
PIDNet, openseg) apply it to pixels, as here. Shape letters: B images, K classes, H rows, W columns,
P = HW pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.term import LossTerm


def ohem_cross_entropy(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    threshold: float = 0.7,
    share: float = 0.1,
    kept: int = 100_000,
    variant: Variant = "paper",
) -> LossTerm:
    """Mean of -log p(label), in nats, over the pixels whose p is below the threshold.

    At least the hardest ``share`` of an image's valid pixels stays, however certain. "released" is
    the code of HRNet and PIDNet: at least the hardest ``kept`` of the batch's pixels (100,000 of
    two 512x1024 images are 0.1 of them), so that the choice depends on the batch; and of those,
    only pixels below the largest p that stays.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        threshold: in (0, 1].
        share: in [0, 1]; "paper" only.
        kept: >= 1; "released" only.

    Returns:
        The sum over the hard pixels, and their number.
    """
    require(0 < threshold <= 1, "threshold", "in (0, 1]", threshold)
    require(0 <= share <= 1, "share", "in [0, 1]", share)
    require(kept >= 1, "kept", ">= 1", kept)
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    nats_BHW = F.cross_entropy(logits_BKHW, labels_BHW, ignore_index=VOID, reduction="none")
    with torch.no_grad():
        prob_BHW = (-nats_BHW).exp()
        valid_BHW = labels_BHW != VOID
        if variant == "released":
            hard_BHW = _hardest_of_batch(prob_BHW, valid_BHW, threshold, kept)
        else:
            hard_BHW = (prob_BHW < threshold) | (prob_BHW <= _rank(prob_BHW, valid_BHW, share))
        hard_BHW &= valid_BHW
    return LossTerm((nats_BHW * hard_BHW).sum(), hard_BHW.sum())


def _rank(prob_BHW: Tensor, valid_BHW: Tensor, share: float) -> Tensor:
    """(B,1,1): the largest probability among the hardest share of each image; -1 for none."""
    if prob_BHW.numel() == 0 or share == 0:
        return prob_BHW.new_full((len(prob_BHW), 1, 1), -1)
    sorted_BP = prob_BHW.masked_fill(~valid_BHW, torch.inf).flatten(1).sort(dim=1).values
    number_B1 = (valid_BHW.flatten(1).sum(dim=1, keepdim=True) * share).ceil().long()
    last_B1 = sorted_BP.gather(1, (number_B1 - 1).clamp(min=0))
    return last_B1.masked_fill(number_B1 == 0, -1).unsqueeze(2)


def _hardest_of_batch(prob_BHW: Tensor, valid_BHW: Tensor, threshold: float, kept: int) -> Tensor:
    if prob_BHW.numel() == 0:
        return valid_BHW
    sorted_P = prob_BHW.masked_fill(~valid_BHW, torch.inf).flatten().sort().values
    last = (valid_BHW.sum() - 1).clamp(min=0, max=kept).reshape(1)
    return prob_BHW < sorted_P.gather(0, last).clamp(min=threshold)
