"""The parts of a trial's configuration that are not a loss's: data, network, optimiser.

``trainables/config/trial.py`` puts them together; a field is addressed there, as ``data/height``.
"""

from dataclasses import dataclass, replace
from typing import Literal

from trainables.config.validation import require, require_choices


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
        for name in (
            "height",
            "width",
            "train_images",
            "val_images",
            "test_images",
            "classes",
            "crop_height",
            "crop_width",
        ):
            require(getattr(self, name) >= 0, f"data/{name}", ">= 0", getattr(self, name))
        require(self.holdout == 0 or self.holdout >= 2, "data/holdout", "0 or >= 2", self.holdout)
        require(0.1 <= self.scale_min <= 10, "data/scale_min", "0.1 .. 10", self.scale_min)
        require(
            self.scale_min <= self.scale_max <= 10,
            "data/scale_max",
            "scale_min .. 10",
            self.scale_max,
        )
        require(0 <= self.brightness <= 255, "data/brightness", "0 .. 255", self.brightness)

    def unaugmented(self) -> "DataConfig":
        """What names the decoded images: configs that only augment differently share them."""
        return replace(
            self,
            flip=True,
            scale_min=1.0,
            scale_max=1.0,
            crop_height=0,
            crop_width=0,
            brightness=0.0,
        )
