"""On every layout, no image that chooses judges, unless the user asks for the papers' way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.real_layouts import listing
from trainables.config import DataConfig, TrialConfig
from trainables.data import LAYOUTS, DataError, load, open_layout
from trainables.data.samples import Layout

CITIES = ("aachen", "bochum", "bremen", "cologne")
PAPERS_TEST_ON_VALIDATION = (
    *("ade20k", "cityscapes", "davis2016", "nyud_mt", "pascal_context", "pascal_mt", "voc2012"),
)


def touch(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _cityscapes(root: Path) -> None:
    for city in (*CITIES, "frankfurt"):
        split = "val" if city == "frankfurt" else "train"
        for number in range(6):
            touch(root / f"leftImg8bit/{split}/{city}/{city}_{number:06d}_000019_leftImg8bit.png")


def _ade20k(root: Path) -> None:
    for split, folder, count in (("train", "training", 30), ("val", "validation", 4)):
        for number in range(count):
            touch(root / f"images/{folder}/ADE_{split}_{number:08d}.jpg")
            touch(root / f"annotations/{folder}/ADE_{split}_{number:08d}.png")


def _names(first: int, count: int) -> str:
    return "".join(f"2007_{number:06d}\n" for number in range(first, first + count))


def _voc2012(root: Path) -> None:
    touch(root / "ImageSets/Segmentation/train.txt", _names(0, 30))
    touch(root / "ImageSets/Segmentation/val.txt", _names(50, 8))


def _pascal_context(root: Path) -> None:
    touch(root / "ImageSets/SegmentationContext/train.txt", _names(0, 30))
    touch(root / "ImageSets/SegmentationContext/val.txt", _names(50, 8))


def _davis2016(root: Path) -> None:
    for split, films in (("train", ("bear", "boat", "car", "dog")), ("val", ("cows",))):
        frames = [
            f"JPEGImages/480p/{film}/{frame:05d}.jpg Annotations/480p/{film}/{frame:05d}.png"
            for film in films
            for frame in range(12)
        ]
        touch(root / f"ImageSets/480p/{split}.txt", "\n".join(frames))


def _camvid(root: Path) -> None:
    for place, split in enumerate(("train", "val", "test")):
        names = [f"{split}/{number}.png" for number in range(place * 30, place * 30 + 20)]
        touch(root / f"{split}.txt", "\n".join(f"{name} {name}" for name in names))


def _nyuv2(root: Path) -> None:
    from scipy.io import savemat

    train = [*range(1, 8), *range(20, 31), *range(40, 44), *range(50, 62)]
    test = sorted({*range(1, 70)} - {*train})
    savemat(root / "splits.mat", {"trainNdxs": np.array(train), "testNdxs": np.array(test)})


def _nyud_mt(root: Path) -> None:
    for split, numbers in (("train", [*range(1, 8), *range(20, 40)]), ("val", [8, 9, 41])):
        touch(root / f"gt_sets/{split}.txt", "".join(f"{number:04d}\n" for number in numbers))


def _pascal_mt(root: Path) -> None:
    touch(root / "ImageSets/Context/train.txt", _names(0, 30))
    touch(root / "ImageSets/Context/val.txt", _names(50, 8))


def _wmh(root: Path) -> None:
    import nibabel

    for number in range(5):
        folder = root / str(number)
        (folder / "pre").mkdir(parents=True)
        volume = nibabel.Nifti1Image(np.zeros((4, 4, 3), np.uint8), np.eye(4))
        nibabel.save(volume, folder / "pre" / "FLAIR.nii.gz")


def _folder(root: Path) -> None:
    touch(root / "classes.txt", "ground\ncell\n")
    for number in range(20):
        for folder in ("images", "masks"):
            (root / folder).mkdir(exist_ok=True)
            pixels = np.array([[0, 1], [1, number]], np.uint8) if folder == "images" else np.eye(2)
            Image.fromarray(pixels.astype(np.uint8)).save(root / folder / f"{number:02d}.png")
    touch(root / "train.txt", "".join(f"{number:02d}\n" for number in range(15)))
    touch(root / "val.txt", "".join(f"{number:02d}\n" for number in range(15, 20)))


MAKE: dict[str, Callable[[Path], None]] = {
    "ade20k": _ade20k,
    "camvid": _camvid,
    "cityscapes": _cityscapes,
    "davis2016": _davis2016,
    "folder": _folder,
    "nyud_mt": _nyud_mt,
    "nyuv2": _nyuv2,
    "pascal_context": _pascal_context,
    "pascal_mt": _pascal_mt,
    "shapes": lambda root: None,
    "voc2012": _voc2012,
    "wmh": _wmh,
}


def layout(dataset: str, root: Path, **changes: object) -> Layout:
    config = DataConfig(dataset=dataset, root=str(root), **changes)  # type: ignore[arg-type]
    return open_layout(config)


def names(opened: Layout, split: str) -> set[str]:
    return {sample.name for sample in opened.splits[split]}


@pytest.mark.parametrize("dataset", sorted(LAYOUTS))
def test_what_chooses_never_judges(dataset: str, tmp_path: Path) -> None:
    MAKE[dataset](tmp_path)
    opened = layout(dataset, tmp_path)
    train, val, test = (names(opened, split) for split in ("train", "val", "test"))
    assert min(map(len, (train, val, test))) > 0
    assert not train & val
    assert not val & test
    assert not train & test
    assert not opened.stand_in
    if groups := opened.groups:
        of = groups.of
        assert not {of(name) for name in train} & {of(name) for name in val}
        assert not {of(name) for name in val} & {of(name) for name in test}


@pytest.mark.parametrize("dataset", [*PAPERS_TEST_ON_VALIDATION, "folder", "nyuv2"])
def test_what_is_held_out_is_a_part_of_the_training_list(dataset: str, tmp_path: Path) -> None:
    MAKE[dataset](tmp_path)
    opened, papers = layout(dataset, tmp_path), layout(dataset, tmp_path, holdout=0)
    assert names(opened, "train") | names(opened, "val") == names(papers, "train")
    assert names(opened, "test") == names(papers, "test")
    assert opened.lists["val"].startswith("training images held out, ")
    again = layout(dataset, tmp_path)
    assert names(again, "val") == names(opened, "val")


@pytest.mark.parametrize("dataset", [*PAPERS_TEST_ON_VALIDATION, "folder"])
def test_the_papers_way_judges_on_the_validation_list(dataset: str, tmp_path: Path) -> None:
    MAKE[dataset](tmp_path)
    opened = layout(dataset, tmp_path, holdout=0)
    assert opened.splits["val"] == opened.splits["test"]
    assert opened.stand_in == "test"
    assert opened.lists == {"test": "validation list (there is no test list)"}


def test_nyuv2_in_the_papers_way_chooses_on_the_test_list(tmp_path: Path) -> None:
    _nyuv2(tmp_path)
    opened = layout("nyuv2", tmp_path, holdout=0)
    assert opened.splits["val"] == opened.splits["test"]
    assert opened.lists == {"val": "test list (there is no validation list)"}
    assert opened.stand_in == "val"


def test_whole_groups_are_held_out_up_to_the_share(tmp_path: Path) -> None:
    """Of four cities with six images each: one of two is two cities, one of ten the smallest."""
    _cityscapes(tmp_path)
    half = layout("cityscapes", tmp_path, holdout=2)
    assert len({name.split("_")[0] for name in names(half, "val")}) == 2
    assert half.lists["val"] == "training images held out, 2 of 4 cities"
    few = layout("cityscapes", tmp_path)
    assert len(few.splits["val"]) == 6
    every_other = layout("cityscapes", tmp_path, holdout=2, holdout_by="image")
    images = [sample.name for sample in layout("cityscapes", tmp_path, holdout=0).splits["train"]]
    assert [sample.name for sample in every_other.splits["val"]] == images[1::2]


def test_a_run_of_numbers_of_nyuv2_is_not_cut(tmp_path: Path) -> None:
    _nyuv2(tmp_path)
    held = names(layout("nyuv2", tmp_path), "val")
    runs = [range(1, 8), range(20, 31), range(40, 44), range(50, 62)]
    assert held in [{f"{number:06d}" for number in run} for run in runs]


@pytest.mark.parametrize(
    ("dataset", "listed", "error"),
    [
        ("voc2012", "2007_000001", "the training list has 1 image, so that none can be held out"),
        (
            "cityscapes",
            "aachen_000000_000019\naachen_000001_000019",
            r"has 2 images of one city \(aachen\), .* or data/holdout=0 to choose and measure on",
        ),
    ],
)
def test_too_few_images_are_refused_in_one_line(
    dataset: str, listed: str, error: str, tmp_path: Path
) -> None:
    MAKE[dataset](tmp_path)
    with pytest.raises(DataError, match=error) as caught:
        layout(dataset, tmp_path, train_list=listing(tmp_path, listed))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dataset", [*PAPERS_TEST_ON_VALIDATION, "camvid", "wmh", "folder"])
def test_trainval_is_both_lists_and_chooses_on_no_trained_image(
    dataset: str, tmp_path: Path
) -> None:
    MAKE[dataset](tmp_path)
    official = layout(dataset, tmp_path, holdout=0)
    both = layout(dataset, tmp_path, train_list="trainval", holdout=0)
    assert names(both, "train") == names(official, "train") | names(official, "val")
    held = layout(dataset, tmp_path, train_list="trainval")
    assert held.splits["val"]
    assert not names(held, "train") & names(held, "val")


@pytest.mark.parametrize("dataset", ["nyuv2", "shapes"])
def test_trainval_is_refused_without_a_validation_list(dataset: str, tmp_path: Path) -> None:
    MAKE[dataset](tmp_path)
    with pytest.raises(ValueError, match="data/train_list"):
        layout(dataset, tmp_path, train_list="trainval")


def test_what_trains_and_judges_is_counted_by_content(tmp_path: Path) -> None:
    _folder(tmp_path)
    config = DataConfig(dataset="folder", root=str(tmp_path))
    assert load(config).shared == {}
    papers = DataConfig(dataset="folder", root=str(tmp_path), holdout=0)
    assert load(papers).shared == {"val": 5}
    both = DataConfig(dataset="folder", root=str(tmp_path), train_list="trainval", holdout=0)
    assert load(both).shared == {"train": 5, "val": 5}
    few = DataConfig(dataset="folder", root=str(tmp_path), holdout=0, val_images=2)
    assert load(few).shared == {"val": 2}


def test_cityscapes_coarse_is_a_further_list(tmp_path: Path) -> None:
    _cityscapes(tmp_path)
    stem = "train_extra/augsburg/augsburg_000000_000019"
    touch(tmp_path / f"leftImg8bit/{stem}_leftImg8bit.png")
    opened = layout("cityscapes", tmp_path, extra_list="coarse", extra_epochs=3)
    assert names(opened, "extra") == {"augsburg_000000_000019"}
    (only,) = opened.splits["extra"]
    with pytest.raises(DataError, match=f"gtCoarse/{stem}_gtCoarse_labelIds.png: mask"):
        only.require_files()
    usual = layout("cityscapes", tmp_path)
    assert {split: opened.splits[split] for split in usual.splits} == dict(usual.splits)
    as_train = layout("cityscapes", tmp_path, train_list="coarse", holdout=0)
    assert as_train.splits["train"] == (only,)


def test_the_further_list_and_its_epochs_go_together() -> None:
    for changes in ({"extra_list": "coarse"}, {"extra_epochs": 2}):
        with pytest.raises(ValueError, match="data/extra_epochs must be >= 1 with data/extra_list"):
            DataConfig(**changes)
    with pytest.raises(ValueError, match="data/extra_epochs must be less than the 2 epochs, got 2"):
        TrialConfig().changed({"data/extra_list": "x", "data/extra_epochs": 2, "epochs": 2})
