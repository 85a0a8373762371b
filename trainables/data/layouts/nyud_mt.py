"""NYUD_MT: NYU Depth v2 with four maps, as Multi-Task-Learning-PyTorch reads it.

`images/ID.jpg`, `segmentation/ID.png` (0 void, 1..40), and for `data/targets` `depth/ID.npy`
(metres, 0 = missing), `normals/ID.npy` (H,W,3) and `edge/ID.npy` (0 or 1). `gt_sets/train.txt` has
795 images and `val.txt` 654: NYUv2's test list, by its numbers. It is the test list here; what
chooses is held out of the training list by whole scenes.
Source: Vandenhende et al., TPAMI 2021, and its public code.
"""

from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.label_tables import LabelTable
from trainables.data.layouts.nyuv2 import CLASSES, COLOURS, scenes_of
from trainables.data.samples import Layout, Pair
from trainables.data.target_files import Files, depth_npy, edge_npy, files_beside, normals_npy

TABLE = LabelTable.from_one(len(CLASSES))
MAPS: Files = {
    "edge": (("edge/{}.npy",), edge_npy),
    "depth": (("depth/{}.npy",), depth_npy),
    "normals": (("normals/{}.npy",), normals_npy),
}


def layout(config: DataConfig) -> Layout:
    root = files.descend(files.folder(config.root, "nyud_mt"), "NYUD_MT")

    def pair(line: lists.Line) -> list[Pair]:
        name = Path(line.words[0]).stem
        beside = files_beside(root, name, config.map_names, MAPS)
        image, mask = root / "images" / f"{name}.jpg", root / "segmentation" / f"{name}.png"
        return [Pair(name, image, mask, TABLE, line.listed, beside=beside)]

    official = {split: root / "gt_sets" / f"{split}.txt" for split in ("train", "val")}
    splits = lists.read_splits(root, config, official, pair)
    numbered = all(sample.name.isdigit() for part in splits.values() for sample in part)
    groups = scenes_of(*splits.values()) if numbered else None  # the numbers are NYUv2's
    return Layout("nyud_mt", CLASSES, COLOURS, splits, targets=tuple(MAPS), groups=groups)
