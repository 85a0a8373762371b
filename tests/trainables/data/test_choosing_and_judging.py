"""On every layout, no image that chooses judges, unless the user asks for the papers' way."""

from pathlib import Path

import pytest

from tests.trainables.data.listed_layouts import MAKE, touch
from tests.trainables.data.real_layouts import listing
from trainables.config import DataConfig, TrialConfig
from trainables.data import LAYOUTS, DataError, load, open_layout
from trainables.data.samples import Layout

PAPERS_TEST_ON_VALIDATION = (
    *("ade20k", "cityscapes", "davis2016", "nyud_mt", "pascal_context", "pascal_mt", "voc2012"),
)


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
    MAKE["nyuv2"](tmp_path)
    opened = layout("nyuv2", tmp_path, holdout=0)
    assert opened.splits["val"] == opened.splits["test"]
    assert opened.lists == {"val": "test list (there is no validation list)"}
    assert opened.stand_in == "val"


def test_whole_groups_are_held_out_up_to_the_share(tmp_path: Path) -> None:
    """Of four cities with six images each: one of two is two cities, one of ten the smallest."""
    MAKE["cityscapes"](tmp_path)
    half = layout("cityscapes", tmp_path, holdout=2)
    assert len({name.split("_")[0] for name in names(half, "val")}) == 2
    assert half.lists["val"] == "training images held out, 2 of 4 cities"
    few = layout("cityscapes", tmp_path)
    assert len(few.splits["val"]) == 6
    every_other = layout("cityscapes", tmp_path, holdout=2, holdout_by="image")
    images = [sample.name for sample in layout("cityscapes", tmp_path, holdout=0).splits["train"]]
    assert [sample.name for sample in every_other.splits["val"]] == images[1::2]


def test_a_run_of_numbers_of_nyuv2_is_not_cut(tmp_path: Path) -> None:
    MAKE["nyuv2"](tmp_path)
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
    MAKE["folder"](tmp_path)
    config = DataConfig(dataset="folder", root=str(tmp_path))
    assert load(config).shared == {}
    papers = DataConfig(dataset="folder", root=str(tmp_path), holdout=0)
    assert load(papers).shared == {"val": 5}
    both = DataConfig(dataset="folder", root=str(tmp_path), train_list="trainval", holdout=0)
    assert load(both).shared == {"train": 5, "val": 5}
    few = DataConfig(dataset="folder", root=str(tmp_path), holdout=0, val_images=2)
    assert load(few).shared == {"val": 2}


def test_cityscapes_coarse_is_a_further_list(tmp_path: Path) -> None:
    MAKE["cityscapes"](tmp_path)
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
