"""What STM remembers of earlier frames, and how it reads it (Oh et al., ICCV 2019, section 3.2).

Shape letters: B films, M remembered frames, C channels of a key, V of a value, h, w a map's sides.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from trainables.networks.padding import Padding


class Given(NamedTuple):
    """The object's masks in the first frames of clips, which are padded."""

    masks_BHW: Tensor
    """In [0,1], not padded."""
    padding: Padding
    """Of the frames: outside of them, no mask is."""


class Memory(NamedTuple):
    """Keys and values of frames of which the object's mask is known or predicted."""

    keys_BCMhw: Tensor
    values_BVMhw: Tensor

    def followed_by(self, other: "Memory") -> "Memory":
        """The frames of both."""
        return Memory(*(torch.cat(pair, dim=2) for pair in zip(self, other, strict=True)))

    def read(self, key_BChw: Tensor, value_BVhw: Tensor) -> Tensor:
        """(B,2V,h,w): at each place the mean of the remembered values, weighted by how much their
        keys are like this one (equation 1), and the place's own value behind it."""
        weights_BNP = attention(self.keys_BCMhw, key_BChw)
        found_BVP = self.values_BVMhw.flatten(2) @ weights_BNP.to(self.values_BVMhw.dtype)
        return torch.cat((found_BVP.unflatten(2, key_BChw.shape[-2:]), value_BVhw), dim=1)


def attention(keys_BCMhw: Tensor, key_BChw: Tensor) -> Tensor:
    """(B, M h w, h w): of each place of a frame, the weights of all remembered places; they sum to
    one. Products of keys are divided by the root of C, as in the public code."""
    remembered_BNC = keys_BCMhw.flatten(2).transpose(1, 2)
    scores_BNP = remembered_BNC @ key_BChw.flatten(2) / keys_BCMhw.shape[1] ** 0.5
    return scores_BNP.softmax(dim=1)
