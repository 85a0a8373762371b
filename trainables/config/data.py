"""The section ``data`` of a trial's configuration: which images, at which size, how augmented."""

from dataclasses import dataclass, fields, replace
from typing import Literal

from trainables.config.augmentation import require_augmentation
from trainables.config.folds import require_folds
from trainables.config.inputs import InputName, parse_inputs
from trainables.config.pixels import given_statistics
from trainables.config.plugin_fields import PLUGIN, Added, Value
from trainables.config.tasks import TARGETS, TaskName, parse_targets
from trainables.config.validation import require, require_choices

_COUNTS = (
    "height width crop_height crop_width classes train_images val_images test_images folds fold"
).split()
BUILT_IN = "shapes"
"""The default dataset."""
DRAWN = (BUILT_IN, "moving_shapes")
"""The built-in datasets, which need no files: scenes, and films of one object."""
FOLDER = "folder"
"""The dataset of a user's own files."""
OF_FOLDER = ("images", "masks", "samples", "split_column", "class_names")
"""Fields that no other dataset reads."""
AUTO = -1
"""Of ``data/holdout``: the dataset's lists and the study decide."""
_MOST_PIXELS = 100_000_000
"""Of an image, as of a file: more would take gigabytes each."""
_OF_BATCHES = (
    *("flip", "scale_min", "scale_max", "crop_height", "crop_width", "brightness", "added"),
    *("flip_vertical", "rotate", "elastic", "grid_distortion", "color_jitter", "loader", "moves"),
    *("inputs", "clip", "clip_skip"),
)
"""How batches are made of decoded images."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    dataset: str = BUILT_IN
    """Name of a layout in ``trainables/data``."""

    root: str = ""
    """Folder of the dataset; unused by the built-in ones."""

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

    folds: int = 0
    """k-fold cross-validation: the images of the training and validation lists are divided into
    this many parts, and each part is tested by networks of the others; 0: none."""

    fold: int = 0
    """The part that is the test list, 1 .. ``folds``; 0 without folds."""

    classes: int = 0
    """Choice between two sets of classes, 59 or 60 of ``pascal_context``, 19 or 18 (SEMEDA's 18 and
    background) of ``cityscapes``; 0 is the default."""

    targets: str = ""
    """The maps that are read beside the labels, such as ``edge,depth,normals``: those that any task
    of the study needs."""

    inputs: str = ""
    """The maps that every network receives as further bands of its images: ``depth``, ``normals``
    or both; none of them is predicted."""

    cache: Literal["auto", "on", "off"] = "auto"
    """Keep decoded images in memory; ``auto``: if they fit; ``off``: read the files each time."""

    loader: Literal["auto", "threads", "workers", "device"] = "auto"
    """How batches are made. ``threads``: by the training's own process; ``workers``: by processes
    that read the files, one for each CPU of ``--cpus-per-worker`` but one; ``device``: from lists
    in the GPU's memory, augmented there. ``auto``: on a GPU the lists, if they fit, else workers;
    on a CPU, with one CPU and with a plug-in's augmentations, threads."""

    normalize: str = "auto"
    """How images are normalised before a network. ``backbone``: by the mean and std that its
    backbone was pretrained with; ``train``: by each band's mean and std in the training images;
    ``410,380.5/95,120``: by these means and stds, as the files hold the values. ``auto``:
    ``backbone`` for 8-bit grey and RGB, else ``train``."""

    links: Literal["inside", "follow"] = "inside"
    """Whether links in the dataset's folder may lead out of it."""

    images: str = ""
    """Of ``folder``: where images are: a folder in the dataset's, a pattern (``*/images/*.tif``),
    the end of their names (``_rgb``), or a column of ``samples``; "": ``images``."""

    masks: str = ""
    """The same for masks; "": ``masks``."""

    samples: str = ""
    """Of ``folder``: a CSV or TSV file whose columns ``images`` and ``masks`` hold paths from the
    dataset's folder; "": `samples.csv` or `samples.tsv`, if it is there."""

    split_column: str = ""
    """The column of ``samples`` with train, val, test; "": ``split``, or the one of such words."""

    class_names: str = ""
    """Of ``folder``: its classes, ``background,vessel=255,void=7``, instead of `classes.txt`."""

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

    flip_vertical: bool = False
    """Turn half of the training images upside down, too."""

    rotate: float = 0.0
    """Training images are turned by an angle drawn from -rotate .. rotate, in degrees."""

    elastic: float = 0.0
    """Elastic deformation (U-Net, 2015, section 3.1): the standard deviation of the displacements
    at 3 x 3 places, in pixels."""

    grid_distortion: float = 0.0
    """Each of 5 x 5 fields of a training image is stretched by 1 - this .. 1 + this."""

    color_jitter: float = 0.0
    """Strength s (SimCLR, 2020, appendix A): contrast and saturation by 1 - 0.8 s .. 1 + 0.8 s, hue
    by up to 0.2 s of a turn."""

    moves: Literal["edgewise", "released"] = "edgewise"
    """How training images are scaled and turned: by Edgewise, or as the public code of MTI-Net and
    ASTMT does: about the middle, then the complete image to the size of the crop."""

    clip: int = 1
    """Frames of a film that are one sample, 3 as STM is published; 1: photographs. ``batch`` then
    counts clips. The frames of a clip are augmented alike."""

    clip_skip: int = 25
    """Frames from one of a clip to the next, at most."""

    added: Added = ()
    """Fields of a plug-in's augmentations that differ from their defaults."""

    def plugin_field(self, name: str) -> Value:
        """The value of a field that the plug-in adds."""
        return PLUGIN.value("data", self.added, name)

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
        parse_targets(self.targets)
        parse_inputs(self.inputs)
        require(self.clip >= 1, "data/clip", ">= 1", self.clip)
        require(self.clip_skip >= 1, "data/clip_skip", ">= 1", self.clip_skip)
        fits = self.holdout in (AUTO, 0) or self.holdout >= 2
        require(fits, "data/holdout", "-1, 0 or >= 2", self.holdout)
        require_folds(self)
        require_augmentation(self)
        for name in OF_FOLDER:
            fits = self.dataset == FOLDER or not getattr(self, name)
            require(fits, f"data/{name}", f"given with --dataset {FOLDER}", getattr(self, name))

    @property
    def target_names(self) -> tuple[TaskName, ...]:
        """The maps of ``targets``."""
        return parse_targets(self.targets)

    @property
    def input_names(self) -> tuple[InputName, ...]:
        """The maps of ``inputs``."""
        return parse_inputs(self.inputs)

    @property
    def map_names(self) -> tuple[TaskName, ...]:
        """The maps that are read, in the order of ``TARGETS``."""
        read = {*self.target_names, *self.input_names}
        return tuple(name for name in TARGETS if name in read)

    def unaugmented(self) -> "DataConfig":
        """The same without augmentation, of the first fold; configs for which this is equal share
        decoded images."""
        default = DataConfig()
        values = {name: getattr(default, name) for name in _OF_BATCHES}
        read = ",".join(self.map_names)
        return replace(self, **values, targets=read, fold=min(self.folds, 1))


def image_paths() -> frozenset[str]:
    """The paths that decide which images are decoded, and to which size."""
    names = {field.name for field in fields(DataConfig)} - {*_OF_BATCHES}
    return frozenset(f"data/{name}" for name in names)
