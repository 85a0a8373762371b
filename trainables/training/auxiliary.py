"""The cross-entropies of the auxiliary heads, which only training uses.

Shape letters: B images, H rows, W columns.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.term import LossTerm
from trainables.networks.segmentation import SegmenterOutput

AUXILIARY = "auxiliary"
"""Name of their term, which is reported beside those of the config's losses."""


def auxiliary_loss(
    output: SegmenterOutput, weights: Sequence[float], labels_BHW: Tensor
) -> LossTerm:
    """The sum of the heads' cross-entropies, with the weights of their papers."""
    terms = [cross_entropy(logits, labels_BHW) for logits in output.auxiliary_BKHW]
    weighed = zip(weights, terms, strict=True)
    total = torch.stack([weight * term.total for weight, term in weighed]).sum()
    return LossTerm(total, terms[0].count)
