"""Segmentation networks behind one interface, with the boundary head that training may use.

Shape letters: B images, K classes, D features, H rows, W columns (h, w at the features' stride).
"""

from pathlib import Path

import segmentation_models_pytorch as smp
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.losses.compose import Prediction
from trainables.networks.boundary_head import BoundaryHead
from trainables.networks.tiny import TinyUNet
from trainables.networks.weights import load_backbone, unreachable

_DECODERS = {"unet": smp.Unet, "fpn": smp.FPN}
_STRIDE = 32


class SmpFeatures(nn.Module):
    """Encoder and decoder of a segmentation-models-pytorch network, up to its last layer.

    ``smp``'s models want sides that divide by 32: the image is padded with its own edge, and the
    features cut back. Dropout is off: what it drops depends on the rank that drops it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        weights = "imagenet" if config.weights == "imagenet" else None
        options = {"decoder_dropout": 0.0} if config.network == "fpn" else {}
        try:
            model = _DECODERS[config.network](
                f"tu-{config.encoder}", encoder_weights=weights, classes=1, **options
            )
        except (RuntimeError, KeyError, ValueError) as error:
            if weights is None:
                reason = str(error).splitlines()[0]
                raise ValueError(f"model/encoder {config.encoder!r}: {reason}") from None
            raise unreachable(config.encoder, error) from None
        except OSError as error:
            raise unreachable(config.encoder, error) from None
        self.encoder, self.decoder = model.encoder, model.decoder
        self.out_channels = model.segmentation_head[0].in_channels
        settings = model.encoder.model.default_cfg
        self.mean, self.std = settings["mean"], settings["std"]
        if config.weights not in ("none", "imagenet"):
            load_backbone(self.encoder.model, Path(config.weights).expanduser())

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """(B,D,h,w) for images in [0,1]."""
        rows, columns = images_B3HW.shape[-2:]
        mean_311 = images_B3HW.new_tensor(self.mean).view(3, 1, 1)
        std_311 = images_B3HW.new_tensor(self.std).view(3, 1, 1)
        padding = (0, -columns % _STRIDE, 0, -rows % _STRIDE)
        padded = F.pad((images_B3HW - mean_311) / std_311, padding, mode="replicate")
        features = self.decoder(self.encoder(padded))
        stride = padded.shape[-1] // features.shape[-1]
        return features[..., : -(-rows // stride), : -(-columns // stride)]


class Segmenter(nn.Module):
    """Features, a 1x1 classifier, and in training a boundary head on the same features."""

    def __init__(self, config: ModelConfig, num_classes: int, boundary_head: bool) -> None:
        super().__init__()
        tiny = config.network == "tiny"
        self.features = TinyUNet(config.width) if tiny else SmpFeatures(config)
        channels = self.features.out_channels
        self.classifier = nn.Conv2d(channels, num_classes, 1)
        self.boundary_head = BoundaryHead(channels) if boundary_head else None

    def forward(self, images_B3HW: Tensor) -> Prediction:
        """Logits at the images' size; boundary logits too while training, if there is a head."""
        rows, columns = images_B3HW.shape[-2:]
        size = (rows, columns)
        features_BDhw = self.features(images_B3HW)
        logits_BKHW = _enlarged(self.classifier(features_BDhw), size)
        if self.boundary_head is None or not self.training:
            return Prediction(logits_BKHW, None)
        boundary_B1hw = self.boundary_head(features_BDhw).unsqueeze(1)
        return Prediction(logits_BKHW, _enlarged(boundary_B1hw, size).squeeze(1))


def _enlarged(maps_BKhw: Tensor, size: tuple[int, int]) -> Tensor:
    if maps_BKhw.shape[-2:] == size:
        return maps_BKhw
    return F.interpolate(maps_BKhw, size=size, mode="bilinear", align_corners=False)
