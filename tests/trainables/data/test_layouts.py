"""Every layout on real files: a few images each, from the sources that their README lists."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.real_layouts import listing, opened, raw
from trainables.config import DataConfig
from trainables.data import DataError, open_layout
from trainables.data.label_tables import voc_palette
from trainables.data.layouts import ade20k, cityscapes, pascal_context, voc2012
from trainables.geometry.boundaries import VOID

CLASSES = {
    "cityscapes": 19,
    "camvid": 11,
    "voc2012": 21,
    "nyuv2": 40,
    "ade20k": 150,
    "pascal_context": 59,
    "davis2016": 2,
    "wmh": 2,
    "shapes": 6,
    "moving_shapes": 2,
}
"""The issue's table."""


def test_cityscapes_ids_become_the_19_classes(real_data: Path) -> None:
    """labelIds through our table against the labelTrainIds beside them.

    mmsegmentation shrank its small labelTrainIds separately: single pixels differ at boundaries.
    """
    for path in sorted((real_data / "cityscapes" / "gtFine").glob("*/*/*labelIds.png")):
        expected = raw(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
        same = (cityscapes.IDS.apply(path, raw(path)) == expected).mean()
        assert same == 1 if "train" in path.parts else same > 0.99, path
    dataset = opened("cityscapes", real_data / "cityscapes", height=128, width=256, holdout=0)
    assert {split: len(part) for split, part in dataset.splits.items()} == {
        "train": 2,
        "val": 1,
        "test": 1,
    }
    assert dataset.splits["val"].names == ("frankfurt_000000_000294",)
    assert dataset.splits["test"] is dataset.splits["val"]
    truth = real_data / "cityscapes/gtFine/val/frankfurt"
    expected = raw(truth / "frankfurt_000000_000294_gtFine_labelTrainIds.png")
    assert np.array_equal(dataset.splits["val"].labels_NHW[0], expected)


def test_cityscapes_with_label_ids_alone_and_at_half_resolution(
    real_data: Path, tmp_path: Path
) -> None:
    source = real_data / "cityscapes"
    for path in [*source.rglob("*leftImg8bit.png"), *source.rglob("*labelIds.png")]:
        link = tmp_path / path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, link)
    dataset = opened("cityscapes", tmp_path, height=512, width=1024, holdout=0)
    assert dataset.size == (512, 1024)
    expected = raw(next(source.rglob("aachen_000001*labelTrainIds.png")))
    assert np.array_equal(
        dataset.splits["train"].labels_NHW[0],
        np.asarray(Image.fromarray(expected).resize((1024, 512), 0)),
    )


def test_cityscapes_with_18_classes_and_background(real_data: Path) -> None:
    """SEMEDA's set: void and the class that is left out are the background, nothing is void."""
    root = real_data / "cityscapes"
    for name in ("labelIds", "labelTrainIds"):
        path = next((root / "gtFine" / "train").glob(f"*/*_{name}.png"))
        classes = cityscapes.class_set(18)
        assert classes.names[0] == "background"
        assert len(classes.names) == len(set(classes.names)) == len(classes.colours) == 19
        table, usual = (
            (classes.ids, cityscapes.IDS)
            if name == "labelIds"
            else (classes.train_ids, cityscapes.TRAIN_IDS)
        )
        ours, all_19 = table.apply(path, raw(path)), usual.apply(path, raw(path))
        assert VOID not in ours
        background = (all_19 == VOID) | (all_19 == cityscapes.CLASSES.index("train"))
        assert np.array_equal(ours == 0, background)
        names = np.array([*cityscapes.CLASSES, *["void"] * 237])
        assert (names[all_19[~background]] == np.array(classes.names)[ours[~background]]).all()
    with pytest.raises(DataError, match="data/classes must be 19, or 18 for 18 and background"):
        cityscapes.class_set(17)


def test_a_mask_without_its_image_is_named(real_data: Path) -> None:
    with pytest.raises(DataError, match=r"aachen_000000_000019_leftImg8bit\.png: image of"):
        opened("cityscapes", real_data / "cityscapes_gt_only")


def test_voc_reads_palette_files_and_keeps_the_void_rim(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "voc2012"
    dataset = opened("voc2012", root, train_list="trainval", height=100, width=100, holdout=0)
    assert len(dataset.splits["train"]) == 4
    one = listing(tmp_path, "2007_004189")
    dataset = opened("voc2012", root, train_list=one, val_list=one, holdout=0)
    truth = raw(root / "VOCdevkit/VOC2012/SegmentationClass/2007_004189.png")
    assert np.array_equal(dataset.splits["train"].labels_NHW[0], truth)
    assert {12, VOID} <= set(np.unique(truth))  # a dog, and the rim


def test_the_voc_palette_is_the_one_in_the_files(real_data: Path) -> None:
    palette = Image.open(
        real_data / "voc2012/VOCdevkit/VOC2012/SegmentationClass/2007_004189.png"
    ).getpalette()
    assert palette is not None
    assert [list(colour) for colour in voc2012.COLOURS] == np.reshape(
        palette[:63], (-1, 3)
    ).tolist()
    assert voc_palette(3) == ((0, 0, 0), (128, 0, 0), (0, 128, 0))


def test_official_lists_name_images_that_a_sample_lacks(real_data: Path) -> None:
    root = real_data / "voc2012"
    for name, count in (("train", 1464), ("val", 1449), ("train_aug", 10582)):
        path = str(root / "official_lists" / f"{name}.txt")
        layout = open_layout(DataConfig(dataset="voc2012", root=str(root), train_list=path))
        assert len(layout.splits["train"]) + len(layout.splits["val"]) == count
    with pytest.raises(DataError, match=r"2007_000032.*is missing"):
        opened("voc2012", root, train_list=str(root / "official_lists" / "train.txt"))
    with pytest.raises(DataError, match=r"train\.txt: missing; give another list"):
        opened("voc2012", root)


def test_images_of_different_sizes_keep_them(real_data: Path) -> None:
    dataset = opened("voc2012", real_data / "voc2012", train_list="val")
    assert dataset.size is None
    for images in dataset.splits.values():
        for row, name in enumerate(images.names):
            folder = real_data / "voc2012/VOCdevkit/VOC2012"
            mask = np.asarray(Image.open(folder / f"SegmentationClass/{name}.png"))
            assert np.array_equal(images.labels_NHW[row], mask)
    assert any("4 sizes" in note for note in dataset.sanity.notes)


@pytest.mark.parametrize("classes", [59, 60])
def test_pascal_context_with_and_without_background(real_data: Path, classes: int) -> None:
    root = real_data / "pascal_context"
    names = (root / "classes60.txt").read_text().splitlines()
    assert [f"{label}: {name}" for label, name in enumerate(pascal_context.CLASSES)] == [
        line.strip() for line in names
    ]
    dataset = opened(
        "pascal_context", root, train_list="val", classes=classes, height=90, width=90, holdout=0
    )
    mask = Image.open(root / "SegmentationClassContext" / "2009_000637.png").resize((90, 90), 0)
    expected = np.asarray(mask).astype(int)
    if classes == 59:
        expected = np.where(expected == 0, VOID, expected - 1)
    assert dataset.num_classes == len(dataset.colours) == classes
    assert dataset.classes[-1] == "wood"
    assert np.array_equal(dataset.splits["train"].labels_NHW[1], expected)


def test_pascal_context_has_no_other_number_of_classes(real_data: Path) -> None:
    with pytest.raises(DataError, match="data/classes must be 59 or 60"):
        opened("pascal_context", real_data / "pascal_context", classes=33)


def test_ade20k_counts_from_one(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "ade20k" / "ADEChallengeData2016"
    table = (root / "objectInfo150.txt").read_text().splitlines()[1:]
    assert list(ade20k.CLASSES) == [line.split("\t")[-1].split(",")[0].strip() for line in table]
    few = listing(tmp_path, "ADE_val_00000001", "ADE_val_00000003")
    dataset = opened("ade20k", root.parent, train_list=few, height=64, width=64, holdout=0)
    assert (len(dataset.splits["train"]), len(dataset.splits["val"])) == (2, 3)
    mask = raw(root / "annotations/validation/ADE_val_00000002.png").astype(int)
    one = opened(
        "ade20k",
        root,
        train_list=few,
        val_list=listing(tmp_path, "ADE_val_00000002"),
        height=mask.shape[0],
        width=mask.shape[1],
        holdout=0,
    )
    assert np.array_equal(one.splits["val"].labels_NHW[0], np.where(mask == 0, VOID, mask - 1))
    with pytest.raises(DataError, match=r"images/training: no \*\.jpg in it"):
        opened("ade20k", root)


@pytest.mark.parametrize("by", ["frame", "sequence"])
def test_davis_is_read_by_frame_and_by_sequence(real_data: Path, tmp_path: Path, by: str) -> None:
    root = real_data / "davis2016"
    chosen = {"frame": "val", "sequence": listing(tmp_path, "car-shadow")}[by]
    dataset = opened(
        "davis2016", root, train_list=chosen, height=60, width=107, train_images=5, holdout=0
    )
    val = dataset.splits["val"]
    assert val.names == tuple(f"car-shadow/{frame:05d}" for frame in range(24))
    assert dataset.splits["train"].names == val.names[:5]
    mask = Image.open(root / "DAVIS/Annotations/480p/car-shadow/00007.png").resize((107, 60), 0)
    assert np.array_equal(val.labels_NHW[7], np.asarray(mask) // 255)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_layout_has_a_name_and_a_colour_for_each_class(name: str) -> None:
    from importlib import import_module

    module = import_module(f"trainables.data.layouts.{name}")
    classes, colours = module.CLASSES, getattr(module, "COLOURS", None) or voc_palette(60)
    if name == "pascal_context":
        classes = classes[1:]
        colours = colours[1:]
    assert len(classes) == len(set(classes)) == CLASSES[name]
    assert len(colours) == len(set(colours)) == CLASSES[name]
