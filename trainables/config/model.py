"""The section ``model`` of a trial's configuration: the network and its initial weights."""

from dataclasses import dataclass
from typing import Literal

from trainables.config.validation import require, require_choices

_Small = Literal["tiny", "unet", "fpn", "lraspp"]
_Dilated = Literal["deeplabv2_r101", "deeplabv3_r50", "deeplabv3plus_r101", "pspnet_r101"]
_UPerNet = Literal["upernet_swin_t", "upernet_swin_s", "upernet_swin_b"]
_HRNet = Literal["hrnet_w18", "hrnet_w18s", "hrnet_w48", "hrnet_w48_ocr"]
_RefineNet = Literal["refinenet_lw_50", "refinenet_lw_101", "refinenet_lw_152"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    network: Literal[_Small, _Dilated, _UPerNet, _HRNet, _RefineNet, "icnet_r50"] = "tiny"
    """A row of ``networks/segmentation.py``; ``tiny`` is our own U-Net of ``width`` channels."""

    encoder: str = "tf_efficientnet_lite0"
    """Backbone of ``unet`` and ``fpn``: any timm name with ``features_only``."""

    weights: str = "none"
    """Backbone weights: ``none``, ``imagenet`` (timm downloads them) or the path of a file."""

    width: int = 16
    """Channels of the tiny network at full resolution."""

    auxiliary: bool = True
    """Train the network's auxiliary heads, if it has any, with their published loss weights."""

    freeze_batch_norm: bool = False
    """Keep batch norms at their initial statistics and weights, as SEMEDA does (small batches)."""

    def __post_init__(self) -> None:
        require_choices(self, "model")
        divisible = self.width >= 4 and self.width % 4 == 0
        require(divisible, "model/width", "a multiple of 4", self.width)
        require(bool(self.weights), "model/weights", "none, imagenet or a path", self.weights)
