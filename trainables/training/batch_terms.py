"""The losses of one batch in training, also where the network's output is not finite.

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
from torch import Tensor

from trainables.config import LossConfig
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.compose import active_weights, loss_terms
from trainables.losses.term import LossTerm
from trainables.networks.segmentation import SegmenterOutput


def batch_terms(
    config: LossConfig, output: SegmenterOutput, target: Target, learned: Learned, progress: float
) -> dict[str, LossTerm]:
    """Each active loss by name; all of them NaN if the network's output is not finite.

    On a CPU losses raise an error for such logits. That would leave the other ranks waiting in
    a collective, so this rank takes part with NaN, and the epoch ends as diverged on all.
    """
    prediction = Prediction(output.logits_BKHW, output.boundary_logits_BHW)
    maps = [map_ for map_ in prediction if map_ is not None]
    on_cpu = output.logits_BKHW.device.type == "cpu"
    if on_cpu and not all(bool(map_.isfinite().all()) for map_ in maps):
        return {name: _lost(maps) for name in active_weights(config, progress)}
    return loss_terms(config, prediction, target, learned, progress=progress)


def _lost(maps: list[Tensor]) -> LossTerm:
    """A term that is NaN and still takes part in every gradient."""
    lost = torch.stack([map_.sum() for map_ in maps]).sum() * float("nan")
    return LossTerm(lost, lost.new_ones(()))
