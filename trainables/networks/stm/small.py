"""Our small STM, which learns to follow within minutes.

Shape letters: B frames, C channels of a key, V of a value, D features, H rows, W columns (h, w at
stride 8).
"""

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.stm.memory import Memory
from trainables.networks.stm.network import STM

KEY, VALUE, FEATURES = 32, 128, 64
STRIDES = (4, 8)
"""Small frames have few places at stride 16: an object of 96x128 pixels would be one of them."""


class SmallSTM(STM):
    """STM whose keys are of the frame alone, by one encoder for remembered and new frames, and are
    compared by their distance, as in STCN (Cheng et al., NeurIPS 2021): places that look alike find
    each other before any training. STM must learn this of two encoders, from many films."""

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__(
            config, num_classes, "", KEY, VALUE, FEATURES, strides=STRIDES, pixels=pixels
        )
        del self.memory_key_value.key
        # Of features of variance 1, keys of variance 1: a place is found among all, not their mean.
        nn.init.orthogonal_(self.query_key_value.key.weight)

    def memorise(self, frames_B3HW: Tensor, mask_BHW: Tensor) -> Memory:
        """Keys and values of frames of which the object's mask, in [0,1], is known."""
        masks_B2HW = torch.stack((mask_BHW, torch.zeros_like(mask_BHW)), dim=1)
        key_BChw = self.query_key_value.key(self.query_encoder(frames_B3HW)[-1])
        value_BVhw = self.memory_key_value.value(self.memory_encoder(frames_B3HW, masks_B2HW)[-1])
        return Memory(remembered(key_BChw).unsqueeze(2), value_BVhw.unsqueeze(2))

    def _query(self, last_BDhw: Tensor) -> tuple[Tensor, Tensor]:
        key_BChw, value_BVhw = super()._query(last_BDhw)
        return compared(key_BChw), value_BVhw


def remembered(key_BChw: Tensor) -> Tensor:
    """(B,C+1,h,w) whose product with ``compared`` keys is less the squared distance of the two, but
    for a term of the compared key alone, which changes no attention."""
    return torch.cat((2 * key_BChw, -key_BChw.square().sum(dim=1, keepdim=True)), dim=1)


def compared(key_BChw: Tensor) -> Tensor:
    """(B,C+1,h,w): see ``remembered``."""
    return torch.cat((key_BChw, torch.ones_like(key_BChw[:, :1])), dim=1)
