"""Soft aggregation of the masks of several objects (Oh et al., ICCV 2019, section 3.4).

Shape letters: B frames, O objects, H rows, W columns.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LEAST = 1e-7
"""Of a probability, and of its difference from one, as in the public code."""
_MOST_LOGIT = math.log((1 - _LEAST) / _LEAST)


def soft_aggregation(logits_BOHW: Tensor) -> Tensor:
    """Logits (B,1+O,H,W) of the background and the objects, whose softmax are the final masks.

    Each object is judged by itself; the background is where none of them is. A class's logit is
    that of its own probability, and between -16.1 and 16.1. It is computed of logits, since float32
    cannot tell probabilities near one apart.

    Args:
        logits_BOHW: log(p / (1 - p)) of each object's probability p.
    """
    background_BHW = F.logsigmoid(-logits_BOHW).sum(dim=1)
    # log(P / (1 - P)) of the background's log P.
    rest_BHW = torch.log(-torch.expm1(background_BHW.clamp(max=-_LEAST)))
    together_B1HW = (background_BHW - rest_BHW).unsqueeze(1)
    return torch.cat((together_B1HW, logits_BOHW), dim=1).clamp(-_MOST_LOGIT, _MOST_LOGIT)
