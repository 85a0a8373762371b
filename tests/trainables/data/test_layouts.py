"""Every layout on real files: a few images each, from the sources that their README lists."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainables.config import DataConfig
from trainables.data import DataError, Dataset, load, open_layout
from trainables.data.layouts import ade20k, cityscapes, nyuv2, pascal_context, voc2012
from trainables.data.samples import voc_palette
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
}
"""The issue's table."""


def listing(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def opened(dataset: str, root: Path, **changes: Any) -> Dataset:
    return load(DataConfig(dataset=dataset, root=str(root), **changes))


def raw(path: Path) -> Any:
    return np.asarray(Image.open(path))


def test_cityscapes_ids_become_the_19_classes(real_data: Path) -> None:
    """labelIds through our table against the labelTrainIds beside them.

    mmsegmentation shrank its small labelTrainIds separately: single pixels differ at boundaries.
    """
    for path in sorted((real_data / "cityscapes" / "gtFine").glob("*/*/*labelIds.png")):
        expected = raw(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
        same = (cityscapes.IDS.apply(path, raw(path)) == expected).mean()
        assert same == 1 if "train" in path.parts else same > 0.99, path
    dataset = opened("cityscapes", real_data / "cityscapes", height=128, width=256)
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
    dataset = opened("cityscapes", tmp_path, height=512, width=1024)
    assert dataset.size == (512, 1024)
    expected = raw(next(source.rglob("aachen_000001*labelTrainIds.png")))
    assert np.array_equal(
        dataset.splits["train"].labels_NHW[0],
        np.asarray(Image.fromarray(expected).resize((1024, 512), 0)),
    )


def test_a_mask_without_its_image_is_named(real_data: Path) -> None:
    with pytest.raises(DataError, match=r"aachen_000000_000019_leftImg8bit\.png: image of"):
        opened("cityscapes", real_data / "cityscapes_gt_only")


def test_voc_reads_palette_files_and_keeps_the_void_rim(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "voc2012"
    dataset = opened("voc2012", root, train_list="trainval", height=100, width=100)
    assert len(dataset.splits["train"]) == 4
    one = listing(tmp_path, "2007_004189")
    dataset = opened("voc2012", root, train_list=one, val_list=one)
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
        assert len(layout.splits["train"]) == count
    with pytest.raises(DataError, match=r"2007_000032.*is missing"):
        opened("voc2012", root, train_list=str(root / "official_lists" / "train.txt"))
    with pytest.raises(DataError, match=r"train\.txt: missing; give another list"):
        opened("voc2012", root)


def test_images_of_different_sizes_need_a_size(real_data: Path) -> None:
    with pytest.raises(DataError, match="different sizes need data/height and data/width"):
        opened("voc2012", real_data / "voc2012", train_list="val")


@pytest.mark.parametrize("classes", [59, 60])
def test_pascal_context_with_and_without_background(real_data: Path, classes: int) -> None:
    root = real_data / "pascal_context"
    names = (root / "classes60.txt").read_text().splitlines()
    assert [f"{label}: {name}" for label, name in enumerate(pascal_context.CLASSES)] == [
        line.strip() for line in names
    ]
    dataset = opened("pascal_context", root, train_list="val", classes=classes, height=90, width=90)
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
    dataset = opened("ade20k", root.parent, train_list=few, height=64, width=64)
    assert (len(dataset.splits["train"]), len(dataset.splits["val"])) == (2, 3)
    mask = raw(root / "annotations/validation/ADE_val_00000002.png").astype(int)
    one = opened(
        "ade20k",
        root,
        train_list=few,
        val_list=listing(tmp_path, "ADE_val_00000002"),
        height=mask.shape[0],
        width=mask.shape[1],
    )
    assert np.array_equal(one.splits["val"].labels_NHW[0], np.where(mask == 0, VOID, mask - 1))
    with pytest.raises(DataError, match=r"images/training: no \*\.jpg in it"):
        opened("ade20k", root)


@pytest.mark.parametrize("by", ["frame", "sequence"])
def test_davis_is_read_by_frame_and_by_sequence(real_data: Path, tmp_path: Path, by: str) -> None:
    root = real_data / "davis2016"
    chosen = {"frame": "val", "sequence": listing(tmp_path, "car-shadow")}[by]
    dataset = opened("davis2016", root, train_list=chosen, height=60, width=107, train_images=5)
    val = dataset.splits["val"]
    assert val.names == tuple(f"car-shadow/{frame:05d}" for frame in range(24))
    assert dataset.splits["train"].names == val.names[:5]
    mask = Image.open(root / "DAVIS/Annotations/480p/car-shadow/00007.png").resize((107, 60), 0)
    assert np.array_equal(val.labels_NHW[7], np.asarray(mask) // 255)


def test_nyu_splits_are_the_official_ones(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "nyuv2" / "full480x640"
    layout = open_layout(DataConfig(dataset="nyuv2", root=str(root), holdout=5))
    assert {split: len(part) for split, part in layout.splits.items()} == {
        "train": 636,
        "val": 159,
        "test": 654,
    }
    listed = (real_data / "nyuv2/meta/train.nyu").read_text().splitlines()
    numbers = {Path(line.split()[0]).stem for line in listed}
    held = {sample.name for split in ("train", "val") for sample in layout.splits[split]}
    assert numbers == held  # the list in an independent repository
    two = listing(tmp_path, "000433", "464.png")
    dataset = opened("nyuv2", root, train_list=two, test_list=two)
    assert np.array_equal(
        dataset.splits["train"].labels_NHW[0], raw(root / "label40_minus1/000433.png")
    )
    assert {sample.name for sample in layout.splits["test"]} >= {"000433", "000464"}


def test_nyu_s_40_classes_fold_into_the_13_of_another_repository(real_data: Path) -> None:
    """class13Mapping of the 40 classes, against the label13 of another repository."""
    root = real_data / "nyuv2"
    mapping = nyuv2.load_mat(root / "meta/class13Mapping.mat")["classMapping13"][0, 0]
    to_13 = np.asarray(mapping["labels13"]).ravel().astype(int)
    names = nyuv2.load_mat(root / "meta/classMapping40.mat")["className"].ravel()
    assert [str(name[0]) for name in names] == list(nyuv2.CLASSES)
    labels = nyuv2.TABLE.apply("", raw(root / "full480x640/label40_minus1/000433.png"))
    other = raw(root / "full480x640/label13/000433.png")
    known = labels != VOID
    assert np.array_equal(to_13[labels[known]], other[known])
    assert (other[~known] == 0).all()


def test_nyu_depth_is_metres_and_normals_are_unit_vectors(real_data: Path) -> None:
    root = real_data / "nyuv2" / "full480x640"
    depth = nyuv2.depth_m(root, 433)
    converted = np.load(real_data / "nyud_mt_layout/NYUD_MT/depth/0433.npy")
    known = np.isfinite(depth)
    assert np.allclose(depth[known], converted[known], atol=2e-4)
    assert (converted[~known] == 0).all() or not np.isfinite(converted[~known]).any()
    normals = nyuv2.normals(root, 433)
    seen = np.isfinite(normals).all(axis=2)
    assert 0.5 < seen.mean() < 1
    assert np.allclose(np.linalg.norm(normals[seen], axis=1), 1, atol=1e-5)


def test_the_official_mat_file_is_read_as_matlab_wrote_it(real_data: Path, tmp_path: Path) -> None:
    """A small file structured as the official one: arrays are (image, colour, column, row)."""
    import shutil

    import h5py

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 3, 8, 6), dtype=np.uint8)
    labels = random.integers(0, 895, (20, 8, 6), dtype=np.uint16)
    depths = random.random((20, 8, 6), dtype=np.float32)
    with h5py.File(tmp_path / nyuv2.OFFICIAL, "w") as file:
        file["images"], file["labels"], file["depths"] = images, labels, depths
    meta = real_data / "nyuv2" / "meta"
    for name in ("splits.mat", "classMapping40.mat"):
        shutil.copy(meta / name, tmp_path / name)
    dataset = opened("nyuv2", tmp_path, train_images=5, val_images=2, test_images=2)
    assert dataset.splits["train"].names[0] == "000003"
    to_40 = nyuv2.load_mat(meta / "classMapping40.mat")["mapClass"].ravel()
    for row in range(6):
        for column in range(8):
            fine = labels[2, column, row]
            expected = to_40[fine - 1] - 1 if fine else VOID
            assert dataset.splits["train"].labels_NHW[0, row, column] == expected
            pixel = dataset.splits["train"].images_NHWC[0, row, column]
            assert pixel.tolist() == images[2, :, column, row].tolist()
    assert np.array_equal(nyuv2.MatSample(tmp_path, 3).depth_m(), depths[2].T)
    with pytest.raises(DataError, match="image 1440 is missing, has 20"):
        opened("nyuv2", tmp_path, train_list=listing(tmp_path, "1440"))


def test_wmh_slices_every_subject_with_its_spacing(real_data: Path) -> None:
    import nibabel

    root = real_data / "wmh_vbnet"
    dataset = opened("wmh", root, height=256, width=256)
    assert {split: len(part) for split, part in dataset.splits.items()} == {
        "train": 48,
        "val": 16,
        "test": 16,
    }
    subject = root / "2516038876"
    volume = nibabel.load(subject / "wmh.nii.gz")
    expected = np.asarray(volume.dataobj)[:, :, 7].T
    val = dataset.splits["train"]
    assert val.spacing_mm is not None
    across_mm, down_mm, _ = volume.header.get_zooms()
    assert val.spacing_mm[0] == pytest.approx([2 * down_mm, 2 * across_mm], rel=1e-5)
    assert down_mm == pytest.approx(0.469, abs=1e-3)  # the README's figure
    shrunk = np.asarray(Image.fromarray(expected.astype(np.uint8)).resize((256, 256), 0))
    assert np.array_equal(val.labels_NHW[val.names.index("2516038876/007")], shrunk)
    lesions = sum((part.labels_NHW == 1).any(axis=(1, 2)).sum() for part in dataset.splits.values())
    assert 45 <= lesions <= 53  # the README counts 53 slices; nearest at half size may lose specks


def test_wmh_reads_split_folders_and_t1(real_data: Path) -> None:
    dataset = opened("wmh", real_data / "brats2015_wmhlayout", train_images=30)
    assert {split: len(part) for split, part in dataset.splits.items()} == {
        "train": 30,
        "val": 104,
        "test": 104,
    }
    image = dataset.splits["train"].images_NHWC[25]
    assert np.array_equal(image[..., 0], image[..., 2])
    assert not np.array_equal(image[..., 0], image[..., 1])
    assert dataset.splits["test"].spacing_mm[0].tolist() == [1, 1]  # type: ignore[index]


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
