"""STM's decoder (Oh et al., ICCV 2019, section 3.3): from what memory says to an object's mask.

Shape letters: B frames, D features, h rows, w columns at a stride.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions, each behind a ReLU, and the input; no batch norm."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x_BDhw: Tensor) -> Tensor:
        deeper: Tensor = self.second(F.relu(self.first(F.relu(x_BDhw))))
        return x_BDhw + deeper


class Refine(nn.Module):
    """Coarser features, enlarged to the finer ones of the frame and joined with them."""

    def __init__(self, inputs: int, features: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(inputs, features, 3, padding=1)
        self.skip_residual = Residual(features)
        self.residual = Residual(features)

    def forward(self, fine_BDhw: Tensor, coarse_BDhw: Tensor) -> Tensor:
        skip_BDhw: Tensor = self.skip_residual(self.skip(fine_BDhw))
        size = skip_BDhw.shape[-2:]
        enlarged = F.interpolate(coarse_BDhw, size, mode="bilinear", align_corners=False)
        refined: Tensor = self.residual(skip_BDhw + enlarged)
        return refined


class Decoder(nn.Module):
    """A 3x3 convolution, a residual block and a refinement at each finer stride, to stride 4."""

    def __init__(self, inputs: int, fine: Sequence[int], features: int) -> None:
        """``fine``: channels of the frame's finer features, from stride 4 on."""
        super().__init__()
        self.narrow = nn.Conv2d(inputs, features, 3, padding=1)
        self.residual = Residual(features)
        self.refine = nn.ModuleList(Refine(channels, features) for channels in reversed(fine))

    def forward(self, read_BDhw: Tensor, fine: Sequence[Tensor]) -> Tensor:
        """(B,D,h,w) at stride 4: what the classifier receives."""
        x_BDhw = self.residual(self.narrow(read_BDhw))
        for refine, fine_BDhw in zip(self.refine, reversed(fine), strict=True):
            x_BDhw = refine(fine_BDhw, x_BDhw)
        return F.relu(x_BDhw)
