"""PASCAL-Context as index masks 0..59, 0 = background: `data/classes` 59 (it is void) or 60.

`JPEGImages/`, `SegmentationClassContext/`, `ImageSets/SegmentationContext/{train,val}.txt` (4998
and 5105 images). Source of the 59 classes and their order: Mottaghi et al., CVPR 2014.
"""

from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable, voc_palette
from trainables.data.samples import Layout, Pair

CLASSES = tuple(
    "background aeroplane bicycle bird boat bottle bus car cat chair cow table dog horse motorbike "
    "person pottedplant sheep sofa train tvmonitor bag bed bench book building cabinet ceiling "
    "cloth computer cup door fence floor flower food grass ground keyboard light mountain mouse "
    "curtain platform sign plate road rock shelves sidewalk sky snow bedclothes track tree truck "
    "wall water window wood".split()
)


def layout(config: DataConfig) -> Layout:
    root = files.descend(files.folder(config.root, "pascal_context"), "VOCdevkit", "VOC2010")
    num_classes = config.classes or 59
    if num_classes not in (59, 60):
        raise DataError(f"data/classes must be 59 or 60 for pascal_context, got {num_classes}")
    table = LabelTable.from_one(59) if num_classes == 59 else LabelTable.plain(60)

    def pair(line: lists.Line) -> list[Pair]:
        name = Path(line.words[0]).stem
        image = root / "JPEGImages" / f"{name}.jpg"
        return [
            Pair(name, image, root / "SegmentationClassContext" / f"{name}.png", table, line.listed)
        ]

    folder = root / "ImageSets" / "SegmentationContext"
    official = {split: folder / f"{split}.txt" for split in ("train", "val")}
    splits = lists.read_splits(root, config, official, pair)
    return Layout("pascal_context", CLASSES[-num_classes:], voc_palette(60)[-num_classes:], splits)
