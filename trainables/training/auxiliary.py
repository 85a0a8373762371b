"""The losses of the auxiliary heads, which only training uses.

Shape letters: B images, H rows, W columns.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from trainables.config import LossConfig
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.rmi import rmi
from trainables.losses.term import LossTerm
from trainables.networks.segmentation import SegmenterOutput

AUXILIARY = "auxiliary"
"""Name of their term, which is reported beside those of the config's losses."""


def auxiliary_loss(
    output: SegmenterOutput, weights: Sequence[float], labels_BHW: Tensor, loss: LossConfig
) -> LossTerm:
    """The sum of the heads' cross-entropies, with the weights of their papers.

    They are of sigmoids where RMI stands for the network's cross-entropy, as HMS trains.
    """
    of_sigmoids = loss.rmi > 0 and loss.xe == 0
    own = partial(rmi, share=1.0, variant=loss.variant) if of_sigmoids else cross_entropy
    terms = [own(logits, labels_BHW) for logits in output.auxiliary_BKHW]
    weighed = zip(weights, terms, strict=True)
    total = torch.stack([weight * term.total for weight, term in weighed]).sum()
    return LossTerm(total, terms[0].count)
