"""The parts of a trial's configuration that are not a loss's: data, network, optimiser.

``trainables/config.py`` puts them together; a field is addressed there, as ``data/height``.
"""

from dataclasses import dataclass, replace
from typing import Literal

from trainables.validation import require, require_choices


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    dataset: str = "shapes"
    """Name of a layout in ``trainables/data``."""

    root: str = ""
    """Folder the dataset lies in; unused by the built-in one."""

    height: int = 0
    """Rows an image is resized to; 0 keeps the dataset's own size."""

    width: int = 0
    """Columns an image is resized to; 0 keeps the dataset's own size."""

    train_images: int = 0
    """Use only the first so many images of the training list; 0 uses all."""

    val_images: int = 0
    """The same for the validation list, on which trials are compared."""

    test_images: int = 0
    """The same for the test list, on which the winner is reported."""

    flip: bool = True
    """Mirror every other training image, chosen by (seed, epoch, index)."""

    train_list: str = ""
    """Training list: a file, or another official list's name (``train_aug``); "": the official."""

    val_list: str = ""
    """The same for validation."""

    test_list: str = ""
    """The same for the test; "" is the validation list where no test labels are public."""

    holdout: int = 0
    """Validate on every so many-th image of the training list, which it leaves; 0 does not."""

    classes: int = 0
    """Where a dataset has two sets of classes: 59 or 60 for ``pascal_context``; 0 is its own."""

    cache: Literal["auto", "on", "off"] = "auto"
    """Decoded images in memory: ``auto`` if they fit, ``off`` reads them from disk each time."""

    scale_min: float = 1.0
    """Training images are enlarged by a factor drawn from ``scale_min .. scale_max``."""

    scale_max: float = 1.0

    crop_height: int = 0
    """Rows cut out of a training image at a random place, void where it ends; 0: its height."""

    crop_width: int = 0
    """Columns cut out of it; 0: its width."""

    brightness: float = 0.0
    """A number drawn from -brightness .. brightness is added to a training image, of 0..255."""

    def __post_init__(self) -> None:
        require_choices(self, "data")
        for name in ("height", "width", "train_images", "val_images", "test_images", "classes",
                     "crop_height", "crop_width"):  # fmt: skip
            require(getattr(self, name) >= 0, f"data/{name}", ">= 0", getattr(self, name))
        require(self.holdout == 0 or self.holdout >= 2, "data/holdout", "0 or >= 2", self.holdout)
        require(0.1 <= self.scale_min <= 10, "data/scale_min", "0.1 .. 10", self.scale_min)
        require(
            self.scale_min <= self.scale_max <= 10, "data/scale_max", "scale_min .. 10",
            self.scale_max,
        )  # fmt: skip
        require(0 <= self.brightness <= 255, "data/brightness", "0 .. 255", self.brightness)

    def unaugmented(self) -> "DataConfig":
        """What names the decoded images: configs that only augment differently share them."""
        return replace(self, flip=True, scale_min=1.0, scale_max=1.0, crop_height=0, crop_width=0,
                       brightness=0.0)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    network: Literal[
        "tiny", "unet", "fpn", "lraspp", "deeplabv2_r101", "deeplabv3_r50", "deeplabv3plus_r101",
        "pspnet_r101", "upernet_swin_t", "upernet_swin_s", "upernet_swin_b", "hrnet_w18",
        "hrnet_w18s", "hrnet_w48", "hrnet_w48_ocr", "refinenet_lw_50", "refinenet_lw_101",
        "refinenet_lw_152", "icnet_r50",
    ] = "tiny"  # fmt: skip
    """A row of ``networks/segmentation.py``; ``tiny`` is a 16-channel U-Net of our own."""

    encoder: str = "tf_efficientnet_lite0"
    """Backbone of ``unet`` and ``fpn``: any timm name with ``features_only``."""

    weights: str = "none"
    """Backbone weights: ``none``, ``imagenet`` (timm downloads them) or the path of a file."""

    width: int = 16
    """Channels of the tiny network at full resolution."""

    auxiliary: bool = True
    """Train the network's auxiliary heads, if it has any, with their published weights."""

    freeze_batch_norm: bool = False
    """Keep batch norms at their initial statistics and weights, as SEMEDA does (small batches)."""

    def __post_init__(self) -> None:
        require_choices(self, "model")
        require(
            self.width >= 4 and self.width % 4 == 0, "model/width", "a multiple of 4", self.width
        )
        require(bool(self.weights), "model/weights", "none, imagenet or a path", self.weights)


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimConfig:
    optimizer: Literal["adamw", "sgd"] = "adamw"

    lr: float = 3e-3
    """Learning rate at its peak; ``optim/schedule`` says how it gets there and falls."""

    weight_decay: float = 1e-4

    momentum: float = 0.9
    """Of ``sgd``."""

    schedule: Literal["poly", "one_cycle", "constant"] = "poly"
    """``poly``: (1 - progress) ** poly_power; ``one_cycle``: up for 30 % of the steps and down."""

    poly_power: float = 0.9

    warmup: float = 0.0
    """Share of the steps in which ``poly`` rises linearly first."""

    head_lr: float = 1.0
    """Learning rate of all that is not the backbone, as a multiple of ``lr``."""

    accumulate: int = 1
    """Batches whose gradients are averaged before the weights move."""

    clip_norm: float = 0.0
    """The gradient's norm is cut to this; 0 leaves it."""

    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Of the network's arithmetic (autocast); losses, weights and statistics stay fp32."""

    channels_last: bool = False
    """Lay images out as (B,H,W,C) in memory, which tensor cores prefer."""

    compile: bool = False
    """``torch.compile`` the network: slower to start, quicker to run."""

    ema: float = 0.0
    """Decay of an exponential moving average of the weights, which is then evaluated; 0: none."""

    def __post_init__(self) -> None:
        require_choices(self, "optim")
        require(0 < self.lr < float("inf"), "optim/lr", "> 0", self.lr)
        for name in ("weight_decay", "clip_norm", "poly_power"):
            require(
                0 <= getattr(self, name) < float("inf"), f"optim/{name}", ">= 0",
                getattr(self, name),
            )  # fmt: skip
        for name in ("momentum", "warmup", "ema"):
            require(0 <= getattr(self, name) < 1, f"optim/{name}", "in [0, 1)", getattr(self, name))
        require(0 < self.head_lr < float("inf"), "optim/head_lr", "> 0", self.head_lr)
        require(self.accumulate >= 1, "optim/accumulate", ">= 1", self.accumulate)
