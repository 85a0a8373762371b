"""The section ``data`` of a trial's configuration: which images, at which size, how augmented."""

from dataclasses import dataclass, fields, replace
from typing import Literal

from trainables.config.pixels import given_statistics
from trainables.config.validation import require, require_choices

_COUNTS = "height width crop_height crop_width classes train_images val_images test_images".split()
BUILT_IN = "shapes"
"""The dataset that needs no files."""
AUTO = -1
"""Of ``data/holdout``: the dataset's lists and the study decide."""
_MOST_PIXELS = 100_000_000
"""Of an image, as of a file: more would take gigabytes each."""
_AUGMENTATION = "flip scale_min scale_max crop_height crop_width brightness".split()


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    dataset: str = BUILT_IN
    """Name of a layout in ``trainables/data``."""

    root: str = ""
    """Folder of the dataset; unused by the built-in one."""

    height: int = 0
    """Rows that images and labels are resized to; 0: each keeps its own size."""

    width: int = 0
    """Columns that images and labels are resized to; 0: each keeps its own size."""

    train_images: int = 0
    """Use only this many images, the first of the training list; 0 uses all."""

    val_images: int = 0
    """The same for the validation list, on which trials are compared."""

    test_images: int = 0
    """The same for the test list, on which the winner is reported."""

    flip: bool = True
    """Mirror half of the training images, drawn by (seed, epoch, index)."""

    train_list: str = ""
    """Training list: a file, or another official list (``train_aug``; ``trainval``, training and
    validation); "": the usual one."""

    val_list: str = ""
    """The same for validation."""

    test_list: str = ""
    """The same for the test; "" is the validation list if no test labels are public."""

    extra_list: str = ""
    """A further training list with labels of another kind: ``coarse`` of Cityscapes, or a file."""

    extra_epochs: int = 0
    """The first epochs of a training, which see the further list alone."""

    holdout: int = AUTO
    """Hold out one of n training images for validation; 0: none. -1: one of ten where the dataset
    has no list of its own to choose on, or none to measure on, and the study chooses something."""

    holdout_by: Literal["group", "image"] = "group"
    """Hold out whole cities, scenes, sequences or subjects where the dataset has them, or every
    n-th image."""

    classes: int = 0
    """Choice between two sets of classes, 59 or 60 of ``pascal_context``, 19 or 18 (SEMEDA's 18 and
    background) of ``cityscapes``; 0 is the default."""

    cache: Literal["auto", "on", "off"] = "auto"
    """Keep decoded images in memory; ``auto``: if they fit; ``off``: read the files each time."""

    normalize: str = "auto"
    """How images are normalised before a network. ``backbone``: by the mean and std that its
    backbone was pretrained with; ``train``: by each band's mean and std in the training images;
    ``410,380.5/95,120``: by these means and stds, as the files hold the values. ``auto``:
    ``backbone`` for 8-bit grey and RGB, else ``train``."""

    links: Literal["inside", "follow"] = "inside"
    """Whether links in the dataset's folder may lead out of it."""

    scale_min: float = 1.0
    """Training images are scaled by a factor drawn from ``scale_min .. scale_max``."""

    scale_max: float = 1.0

    crop_height: int = 0
    """Rows of a random crop of a training image, padded with void; 0: the image's height."""

    crop_width: int = 0
    """Columns of the crop; 0: the image's width."""

    brightness: float = 0.0
    """A number drawn from -brightness .. brightness is added to a training image (0..255); where
    values are not 8-bit, 255 stands for the range of each band in the training images."""

    def __post_init__(self) -> None:
        require_choices(self, "data")
        for name in _COUNTS:
            require(getattr(self, name) >= 0, f"data/{name}", ">= 0", getattr(self, name))
        for rows, columns in (("height", "width"), ("crop_height", "crop_width")):
            pixels = getattr(self, rows) * getattr(self, columns)
            name, allowed = f"data/{rows} x data/{columns}", f"at most {_MOST_PIXELS} pixels"
            require(pixels <= _MOST_PIXELS, name, allowed, pixels)
        allowed = ">= 1 with data/extra_list, 0 without"
        both = self.extra_epochs >= 1 if self.extra_list else self.extra_epochs == 0
        require(both, "data/extra_epochs", allowed, self.extra_epochs)
        given_statistics(self.normalize)
        fits = self.holdout in (AUTO, 0) or self.holdout >= 2
        require(fits, "data/holdout", "-1, 0 or >= 2", self.holdout)
        require(0.1 <= self.scale_min <= 10, "data/scale_min", "0.1 .. 10", self.scale_min)
        ordered = self.scale_min <= self.scale_max <= 10
        require(ordered, "data/scale_max", "scale_min .. 10", self.scale_max)
        require(0 <= self.brightness <= 255, "data/brightness", "0 .. 255", self.brightness)

    def unaugmented(self) -> "DataConfig":
        """The same without augmentation; configs for which this is equal share decoded images."""
        default = DataConfig()
        return replace(self, **{name: getattr(default, name) for name in _AUGMENTATION})


def image_paths() -> frozenset[str]:
    """The paths that decide which images are decoded, and to which size."""
    names = {field.name for field in fields(DataConfig)} - {*_AUGMENTATION}
    return frozenset(f"data/{name}" for name in names)
