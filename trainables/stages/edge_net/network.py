"""SEMEDA's edge network (Chen, Dapogny and Cord, 3.2) finds the edges of a segmentation mask.

Shape letters: B images, K classes, H rows, W columns, C channels of a layer.
"""

from collections.abc import Iterator

from torch import Tensor, nn

CHANNELS = (16, 32, 2)


class EdgeNet(nn.Module):
    """Three 3x3 convolutions of 16, 32 and 2 channels, ReLU between them.

    The paper gives no kernel size. Borders are replicated rather than padded with zeros: the
    end of the image is no edge, and zeros mean void.
    """

    reach = len(CHANNELS)
    """How many pixels around a place its output depends on, at most."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        widths = (num_classes, *CHANNELS)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, padding_mode="replicate")
            for before, after in zip(widths, CHANNELS, strict=False)
        )

    def forward(self, prob_BKHW: Tensor) -> list[Tensor]:
        """The output of each of the three layers before activation, (B,C,H,W).

        The third has C = 2: "no edge" and "edge", before the softmax. Void pixels are zero in
        every class.
        """
        return list(self.one_by_one(prob_BKHW))

    def one_by_one(self, prob_BKHW: Tensor) -> Iterator[Tensor]:
        """Yield the layers' outputs, for callers that need only the first, or one at a time."""
        features_BCHW = prob_BKHW
        for number, layer in enumerate(self.layers):
            features_BCHW = layer(features_BCHW.relu() if number else features_BCHW)
            yield features_BCHW
