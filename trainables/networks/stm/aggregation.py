"""Soft aggregation of the masks of several objects (Oh et al., ICCV 2019, section 3.4).

Shape letters: B frames, O objects, H rows, W columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_aggregation(logits_BOHW: Tensor) -> Tensor:
    """Logits (B,1+O,H,W) of the background and the objects, whose softmax are the final masks.

    Each object is judged by itself; the background is where none of them is. A class's logit is
    that of its own probability. The public code limits probabilities to [1e-7, 1 - 1e-7], where
    float32 ends; a pixel that is wrong beyond that would have no gradient, so this is computed of
    logits, and has no limit.

    Args:
        logits_BOHW: log(p / (1 - p)) of each object's probability p.
    """
    background_BHW = F.logsigmoid(-logits_BOHW).sum(dim=1)  # log P of the background
    least = torch.finfo(logits_BOHW.dtype).tiny
    rest_BHW = torch.log(-torch.expm1(background_BHW.clamp(max=-least)))  # log(1 - P)
    return torch.cat(((background_BHW - rest_BHW).unsqueeze(1), logits_BOHW), dim=1)
