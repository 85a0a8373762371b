"""The baseline of InverseForm's Table 5: AET's network (Zhang et al., CVPR 2019).

Shape letters: N pairs, S tile side, F features, C coefficients.
"""

import torch
from torch import Tensor, nn

_AET_FEATURES = 192


class AutoEncodingTransformationNet(nn.Module):
    """``aet``: one deep convolutional encoder for both tiles, global average pooling, one linear
    layer on the two concatenated vectors.

    The encoder is AET's network in network with four blocks of three convolutions, each with batch
    normalisation and ReLU, pooled after the first and the second. AET has 192 channels, pre-trains
    on images, and InverseForm's authors fine-tune that; this one starts from random weights.
    """

    def __init__(self, features: int = _AET_FEATURES, coefficients: int = 6) -> None:
        super().__init__()
        first, second = 160 * features // _AET_FEATURES, 96 * features // _AET_FEATURES
        narrow = max(first, 1), max(second, 1)
        self.encoder = nn.Sequential(
            *_block(1, 5, (features, *narrow)),
            nn.MaxPool2d(3, stride=2, padding=1),
            *_block(narrow[1], 5, (features,) * 3),
            nn.AvgPool2d(3, stride=2, padding=1),
            *_block(features, 3, (features,) * 3),
            *_block(features, 3, (features,) * 3),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(2 * features, coefficients)

    def forward(self, predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        """(N,C): how ``predicted`` differs from ``true``, normalised; zero is the identity."""
        vectors_NF = self.encoder(torch.cat((predicted_NSS, true_NSS)).unsqueeze(1))
        coefficients_NC: Tensor = self.head(torch.cat(vectors_NF.chunk(2), dim=1))
        return coefficients_NC


def _block(channels: int, kernel: int, widths: tuple[int, int, int]) -> list[nn.Module]:
    """A convolution and two of 1x1, each with batch normalisation and ReLU."""
    layers: list[nn.Module] = []
    for side, width in zip((kernel, 1, 1), widths, strict=True):
        convolution = nn.Conv2d(channels, width, side, padding=side // 2, bias=False)
        layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return layers
