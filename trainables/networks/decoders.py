"""Every decoder of segmentation-models-pytorch that reads a pyramid of features, on any encoder.

They are that library's, with its defaults, but for dropout, which is off. The classifier is that
of its ``segmentation_head``; ``unet`` and ``fpn``, which were here first, have a 1x1 convolution.
Shape letters: B images, D features, H rows, W columns (h, w at the decoder's stride).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from trainables.config import ModelConfig, refused, require
from trainables.config.pixels import RGB, Pixels
from trainables.networks.encoders import SmpModel, any_size, sketch, smp_name, without_chance
from trainables.networks.network import Network, Output, mean_and_std, normalized, transfer
from trainables.networks.weights import unreachable

_MIX_TRANSFORMER = {
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "license": "NVIDIA Source Code License: no commercial use",
}
"""What SegFormer's code subtracts and divides by, where timm has such settings of its encoders."""


@dataclass(frozen=True)
class Decoder:
    """A decoder of segmentation-models-pytorch."""

    smp: str
    """The name of its class there."""
    source: str
    options: Mapping[str, float] = field(default_factory=dict)
    dilated: bool = False
    """Whether it needs an encoder whose last stages can be dilated instead of strided."""
    smallest: int = 1
    """The smallest side of an image that it takes."""
    wide_head: bool = True
    """Whether the classifier is the library's own."""


DECODERS = {
    "unet": Decoder("Unet", "Ronneberger et al., MICCAI 2015", wide_head=False),
    "unetplusplus": Decoder("UnetPlusPlus", "Zhou et al., DLMIA 2018"),
    "fpn": Decoder("FPN", "Kirillov et al., CVPR 2019", {"decoder_dropout": 0.0}, wide_head=False),
    # Of the library's 256 and 128 channels, which cost more than the lightest encoders themselves.
    "fpn_small": Decoder(
        "FPN",
        "Kirillov et al., CVPR 2019; 64 channels everywhere",
        {
            "decoder_dropout": 0.0,
            "decoder_pyramid_channels": 64,
            "decoder_segmentation_channels": 64,
        },
        wide_head=False,
    ),
    # Its attention pools the features of stride 16 three times.
    "pan": Decoder("PAN", "Li et al., BMVC 2018", dilated=True, smallest=128),
    "manet": Decoder("MAnet", "Fan et al., IEEE Access 2020"),
    "linknet": Decoder("Linknet", "Chaurasia and Culurciello, VCIP 2017"),
    "deeplabv3": Decoder("DeepLabV3", "Chen et al., 2017", dilated=True),
    "deeplabv3plus": Decoder("DeepLabV3Plus", "Chen et al., ECCV 2018", dilated=True),
    "pspnet": Decoder("PSPNet", "Zhao et al., CVPR 2017"),
    "segformer": Decoder("Segformer", "Xie et al., NeurIPS 2021"),
    "upernet": Decoder("UPerNet", "Xiao et al., ECCV 2018"),
}
"""By ``model/network``."""


class Smp(Network):
    """Encoder and decoder of segmentation-models-pytorch; features before its classifier."""

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        row = DECODERS[config.network]
        name = smp_name(config.encoder)
        classes = num_classes if row.wide_head else 1
        model = _built(config, row, name, classes, pixels.bands)
        self.encoder, self.decoder = model.encoder, model.decoder
        head = model.segmentation_head[0]
        self.out_channels = head.in_channels
        self.classifier = head if row.wide_head else nn.Conv2d(head.in_channels, num_classes, 1)
        without_chance(self)
        self.name, self.smallest = config.network, row.smallest
        self.unused_parameters = config.network == "pspnet"  # it reads three stages of five
        body = self.encoder.model if name.startswith("tu-") else self.encoder
        settings = getattr(body, "default_cfg", _MIX_TRANSFORMER)
        self.mean, self.std = mean_and_std(settings, pixels)
        self.transfer = transfer(config, body, settings)

    def forward(self, images_B3HW: Tensor) -> Output:
        smaller = min(images_B3HW.shape[-2:])
        allowed = f"given images of at least {self.smallest} px a side"
        require(smaller >= self.smallest, f"model/network {self.name}", allowed, smaller)
        stages = self.encoder(normalized(images_B3HW, self.mean, self.std))
        features_BDhw = self.decoder(stages)
        return Output(self.classifier(features_BDhw), features_BDhw)


def _built(config: ModelConfig, row: Decoder, name: str, classes: int, bands: int) -> SmpModel:
    """The library's model.

    Raises:
        ValueError: the encoder has no features that the decoder could use, or its weights cannot
            be fetched.
    """
    import segmentation_models_pytorch as smp

    weights = "imagenet" if config.weights == "imagenet" else None
    sizes = any_size(sketch(config.encoder)) if name.startswith("tu-") else {}
    options = {"encoder_weights": weights, "in_channels": bands, "classes": classes}
    try:
        model: SmpModel = getattr(smp, row.smp)(name, **options, **row.options, **sizes)
    except OSError as error:
        raise unreachable(config.encoder, error) from None
    except (RuntimeError, KeyError, ValueError, TypeError, AssertionError) as error:
        if weights is None:
            raise _unfit(config, row, error) from error
        raise unreachable(config.encoder, error) from None
    return model


def _unfit(config: ModelConfig, row: Decoder, error: Exception) -> ValueError:
    """Why a decoder cannot be built on an encoder, and on which it can, in one line.

    Of an encoder that cannot be dilated, timm raises an empty AssertionError, or a TypeError for
    the unknown ``output_stride``; of one without a pyramid, the library says "downsampling".
    """
    reason = " ".join(str(error).split())
    if row.dilated and (not reason or "output_stride" in reason):
        kinds = "a ResNet, RegNet, EfficientNet, MobileNet or ConvNeXt"
        needs = f"one that can be dilated ({kinds}) with {config.network}"
        return refused("model/encoder", needs, config.encoder)
    if "downsampling" in reason:
        such = "such as resnet34, convnext_tiny or pvt_v2_b2"
        needs = f"one with features at strides 2 or 4 to 32 ({such}) with {config.network}"
        plain = "; a plain vision transformer goes with model/network=dpt"
        return refused("model/encoder", needs + plain, config.encoder)
    return ValueError(
        f"model/network {config.network} cannot be built on model/encoder {config.encoder!r}: "
        f"{type(error).__name__}: {reason}"
    )
