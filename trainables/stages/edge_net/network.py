"""SEMEDA's edge network (Chen, Dapogny and Cord, 3.2): a segmentation mask in, its edges out.

Shape letters: B images, K classes, H rows, W columns, C channels of a layer.
"""

from collections.abc import Iterator

from torch import Tensor, nn

CHANNELS = (16, 32, 2)


class EdgeNet(nn.Module):
    """Three 3x3 convolutions of 16, 32 and 2 channels, ReLU between them.

    The paper gives no kernel size. Borders are continued, not filled with zeros: the end of the
    image is no edge, and zeros are what void looks like.
    """

    reach = len(CHANNELS)
    """How many pixels away a layer's output can see, at most."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        widths = (num_classes, *CHANNELS)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, padding_mode="replicate")
            for before, after in zip(widths, CHANNELS, strict=False)
        )

    def forward(self, prob_BKHW: Tensor) -> list[Tensor]:
        """What each of the three layers puts out before activation, (B,C,H,W).

        The third has C = 2: "no edge" and "edge", before the softmax. Void pixels are zero in
        every class.
        """
        return list(self.one_by_one(prob_BKHW))

    def one_by_one(self, prob_BKHW: Tensor) -> Iterator[Tensor]:
        """The same, for who wants no more than the first layers, or to hold one at a time."""
        features_BCHW = prob_BKHW
        for number, layer in enumerate(self.layers):
            features_BCHW = layer(features_BCHW.relu() if number else features_BCHW)
            yield features_BCHW
