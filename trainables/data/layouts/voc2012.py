"""PASCAL VOC 2012 segmentation: 20 classes and background; 255 is the void rim of every object.

The augmented training list (10582 images) is `data/train_list=train_aug`, with SBD's masks as PNG
in `SegmentationClassAug/`. The official test labels are not public, so the validation list is the
test list.
Source: the VOC2012 development kit; SBD is Hariharan et al., ICCV 2011.
"""

from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.label_tables import LabelTable, voc_palette
from trainables.data.samples import Layout, Pair

CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
COLOURS = voc_palette(len(CLASSES))
TABLE = LabelTable.plain(len(CLASSES))


def layout(config: DataConfig) -> Layout:
    """A complete copy has 1464 and 1449 images."""
    root = files.descend(files.folder(config.root, "voc2012"), "VOCdevkit", "VOC2012")
    folder = root / "ImageSets" / "Segmentation"

    def pair(line: lists.Line) -> list[Pair]:
        name = Path(line.words[0]).stem
        mask = root / "SegmentationClass" / f"{name}.png"
        augmented = root / "SegmentationClassAug" / f"{name}.png"
        if not mask.is_file() and augmented.is_file():
            mask = augmented
        return [Pair(name, root / "JPEGImages" / f"{name}.jpg", mask, TABLE, line.listed)]

    official = {split: folder / f"{split}.txt" for split in ("train", "val")}
    return Layout("voc2012", CLASSES, COLOURS, lists.read_splits(root, config, official, pair))
