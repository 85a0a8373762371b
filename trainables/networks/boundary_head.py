"""The auxiliary boundary head of InverseForm's Figure 4.

Only training uses it, so inference costs as much as without it.
Shape letters: B images, D features, H rows, W columns (h, w at the features' own stride).
"""

from torch import Tensor, nn


class BoundaryHead(nn.Module):
    """3x3 convolution, normalisation, ReLU, 1x1 convolution to one channel."""

    def __init__(self, features: int, hidden: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(features, hidden, 3, padding=1, bias=False),
            nn.GroupNorm(8, hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, 1, 1),
        )

    def forward(self, features_BDhw: Tensor) -> Tensor:
        """(B,h,w) logits at the features' stride."""
        return self.layers(features_BDhw).squeeze(1)
