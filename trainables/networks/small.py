"""Networks that need little code: the tiny one, U-Net and FPN on any encoder, and LR-ASPP.

Shape letters: B images, D features, H rows, W columns (h, w at a stride).
"""

from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.network import (
    Backbone,
    Network,
    Output,
    mean_and_std,
    normalized,
    resized,
    transfer,
)
from trainables.networks.tiny import TinyUNet
from trainables.networks.weights import unreachable

_DECODERS = {"unet": "Unet", "fpn": "FPN"}
"""Their names in segmentation-models-pytorch."""


class Tiny(Network):
    """The network of the built-in study: features at full resolution, images of any size."""

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        self.features = TinyUNet(config.width, pixels)
        self.out_channels = config.width
        self.classifier = nn.Conv2d(config.width, num_classes, 1)

    def forward(self, images_B3HW: Tensor) -> Output:
        features_BDhw = self.features(images_B3HW)
        return Output(self.classifier(features_BDhw), features_BDhw)


class Smp(Network):
    """Encoder and decoder of segmentation-models-pytorch: U-Net (stride 1) or FPN (stride 4)."""

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        import segmentation_models_pytorch as smp

        weights = "imagenet" if config.weights == "imagenet" else None
        options: dict[str, object] = {"in_channels": pixels.bands}
        if config.network == "fpn":
            options["decoder_dropout"] = 0.0
        try:
            model = getattr(smp, _DECODERS[config.network])(
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
        self.classifier = nn.Conv2d(self.out_channels, num_classes, 1)
        self.mean, self.std = mean_and_std(model.encoder.model.default_cfg, pixels)
        self.transfer = transfer(config, self.encoder.model)

    def forward(self, images_B3HW: Tensor) -> Output:
        stages = self.encoder(normalized(images_B3HW, self.mean, self.std))
        features_BDhw = self.decoder(stages)
        return Output(self.classifier(features_BDhw), features_BDhw)


class LRASPP(Network):
    """Howard et al., ICCV 2019, on MobileNetV3-Large with a dilated last stage. Output stride 8.

    Its two classifiers use features of two strides; a boundary head uses the deeper ones.
    """

    out_channels = 128

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        from torchvision.models.segmentation.lraspp import LRASPPHead

        self.backbone = Backbone(
            config, "mobilenetv3_large_100", pixels, output_stride=16, out_indices=(2, 4)
        )
        self.transfer = self.backbone.transfer
        low, high = self.backbone.channels
        self.head = LRASPPHead(low, high, num_classes, self.out_channels)

    def forward(self, images_B3HW: Tensor) -> Output:
        low, high = self.backbone(images_B3HW)
        features_BDhw = resized(self.head.cbr(high) * self.head.scale(high), low)
        logits_BKhw = self.head.low_classifier(low) + self.head.high_classifier(features_BDhw)
        return Output(logits_BKhw, features_BDhw)
