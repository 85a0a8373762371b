"""Merged classes: each old value becomes the one that takes it in, or background; void stays."""

from pathlib import Path

import numpy as np
from PIL import Image

from docs.results.merge_classes import MERGED, merge, table

PETS = {"pet": ("cat", "dog"), "cattle": ("cow",)}


def test_merged_folder_keeps_images_and_lists_and_merges_masks(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    (source / "masks").mkdir(parents=True)
    (source / "classes.txt").write_text("background\ncat\ntree\ncow\ndog\n")
    (source / "train.txt").write_text("one\n")
    mask = np.array([[0, 1, 2], [3, 4, 255]], np.uint8)
    Image.fromarray(mask).save(source / "masks" / "one.png")
    merge(source, out, PETS, "masks")
    assert np.asarray(Image.open(out / "masks" / "one.png")).tolist() == [[0, 1, 0], [2, 1, 255]]
    assert (out / "classes.txt").read_text() == "background\npet\ncattle\n"
    assert (out / "train.txt").read_text() == "one\n"


def test_no_old_class_is_in_two_merged_ones() -> None:
    for merged in MERGED.values():
        olds = [old for names in merged.values() for old in names]
        assert len(olds) == len(set(olds))
        assert set(table(["background", *olds], merged)) == {*range(len(merged) + 1), 255}
