"""DPT on a plain vision transformer of timm, also DINOv2 and DINOv3.

Shape letters: B images, D features, H rows, W columns (h, w: eight for each patch).
"""

import math

import torch
from torch import Tensor, nn

from trainables.config import ModelConfig, refused
from trainables.config.pixels import RGB, Pixels
from trainables.networks.encoders import SmpModel, any_size, sketch, smp_name, without_chance
from trainables.networks.network import Network, Output, mean_and_std, normalized, transfer
from trainables.networks.weights import unreachable

_DEPTH, _REASSEMBLED = 4, 16
"""The transformer's blocks that are read, spread evenly; the patch side for which the paper's
reassembly gives strides 4, 8, 16 and 32."""
_BLOCKS = 4
"""Of a transformer at least, one for each level."""


class DPT(Network):
    """Ranftl et al., ICCV 2021, as segmentation-models-pytorch has it, without dropout.

    The class token is read ("project"); a transformer without one is read without. Where the side
    of a patch is no power of two (DINOv2: 14), the levels are enlarged by 4, 2, 1 and 1/2 as for
    patches of 16, which is how DINOv2's authors do it; the library itself fails there.
    """

    unused_parameters = True  # the transformer's last norm and its classifier

    def __init__(self, config: ModelConfig, num_classes: int, pixels: Pixels = RGB) -> None:
        super().__init__()
        name = smp_name(config.encoder)
        model = _built(config, name, num_classes, pixels.bands)
        self.encoder, self.decoder = model.encoder, model.decoder
        *layers, self.classifier = model.segmentation_head.head
        self.head = nn.Sequential(*layers)
        self.out_channels = self.classifier.in_channels
        without_chance(self)
        stride = self.encoder.output_stride
        # The last level has half the patches of a side, or fewer; it is enlarged again.
        self.multiple = math.lcm(stride, 32) if 32 % stride == 0 else 2 * stride
        settings = self.encoder.model.default_cfg
        self.mean, self.std = mean_and_std(settings, pixels)
        self.transfer = transfer(config, self.encoder.model, settings)

    def forward(self, images_B3HW: Tensor) -> Output:
        stages, tokens = self.encoder(normalized(images_B3HW, self.mean, self.std))
        features_BDhw = self.head(self.decoder(stages, tokens))
        return Output(self.classifier(features_BDhw), features_BDhw)


def _built(config: ModelConfig, name: str, classes: int, bands: int) -> SmpModel:
    """The library's model, its decoder fitted to the patches.

    Raises:
        ValueError: the encoder is no plain vision transformer, takes one size of image only, or its
            weights cannot be fetched.
    """
    import segmentation_models_pytorch as smp
    from segmentation_models_pytorch.base.initialization import initialize_decoder
    from segmentation_models_pytorch.decoders.dpt.decoder import DPTDecoder

    plan = _checked(config.encoder, name)
    weights = "imagenet" if config.weights == "imagenet" else None
    readout = "cat" if _has_class_token(plan) else "ignore"
    options = {"decoder_readout": readout, "in_channels": bands, "classes": classes}
    try:
        model: SmpModel = smp.DPT(name, encoder_weights=weights, **options, **any_size(plan))
    except (OSError, RuntimeError) as error:
        raise unreachable(config.encoder, error) from None
    encoder = model.encoder
    if 32 % encoder.output_stride:
        strides = [_REASSEMBLED] * _DEPTH
        prefix = encoder.has_prefix_tokens
        model.decoder = DPTDecoder(encoder.out_channels, strides, prefix, readout)
        initialize_decoder(model.decoder)
    return model


def _checked(encoder: str, name: str) -> nn.Module:
    """A sketch of the transformer.

    Raises:
        ValueError: its blocks differ in stride, or it takes one size of image only.
    """
    such = "such as vit_small_patch16_224, vit_small_patch14_dinov2 or vit_small_patch16_dinov3"
    plain = f"a plain vision transformer of timm, {such}, with dpt"
    any_size_needed = f"a vision transformer that takes images of any size, {such}, with dpt"
    if not name.startswith("tu-"):
        raise refused("model/encoder", plain, encoder)
    plan = sketch(encoder)
    blocks = getattr(plan, "feature_info", [])
    strides = {block["reduction"] for block in blocks}
    if len(strides) != 1 or len(blocks) < _BLOCKS or not hasattr(plan, "forward_intermediates"):
        raise refused("model/encoder", plain, encoder)
    if "dynamic_img_size" not in any_size(plan):
        raise refused("model/encoder", any_size_needed, encoder)
    return plan


def _has_class_token(plan: nn.Module) -> bool:
    return isinstance(getattr(plan, "cls_token", None), torch.Tensor)
