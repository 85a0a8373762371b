"""k-fold cross-validation: every image is tested once, and nothing of a test trains or chooses."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.config import DataConfig, TrialConfig, identity
from trainables.data import DataError, Dataset, load, open_layout
from trainables.data.folds import assigned
from trainables.data.samples import Groups
from trainables.losses.batch import Learned
from trainables.stages.registry import stage_key
from trainables.training.training import Training

TINY = DataConfig(height=24, width=32, folds=5, fold=1, holdout=0)
HELD = replace(TINY, holdout=10)
SUBJECTS = Groups("subject", "subjects", lambda name: name.split("/")[0])


def names(dataset: Dataset, split: str) -> set[str]:
    found = dataset.splits[split].names
    assert len(set(found)) == len(found)
    return set(found)


@pytest.mark.parametrize("config", [TINY, HELD], ids=["all train", "some held out"])
def test_every_image_is_tested_once_and_trains_or_chooses_in_no_fold_that_tests_it(
    config: DataConfig,
) -> None:
    dataset = load(config)
    tested: list[str] = []
    for fold in range(1, 6):
        lists = dataset.for_fold(fold)
        train, val, test = (names(lists, split) for split in ("train", "val", "test"))
        assert not train & test
        assert not train & val
        assert val == test or not val & test
        assert (val == test) == (config is TINY)
        assert len(train | val | test) == 104
        tested += lists.splits["test"].names
    assert len(tested) == len(set(tested)) == 104
    assert not any(name.startswith("test") for name in tested), "its own test list is kept out"
    assert "the test list (64 images) is kept out" in dataset.divided


def test_groups_stay_whole_and_folds_alike_in_size() -> None:
    sizes = (9, 7, 5, 5, 4, 3, 3, 2, 1, 1)
    listed = [f"{subject}/{n}" for subject, size in enumerate(sizes) for n in range(size)]
    fold_of = dict(zip(listed, assigned(listed, 4, SUBJECTS), strict=True))
    for one, other in pairwise(listed):
        if SUBJECTS.of(one) == SUBJECTS.of(other):
            assert fold_of[one] == fold_of[other]
    counts = np.bincount(list(fold_of.values()))[1:]
    assert sorted(counts) == [10, 10, 10, 10]
    backwards = listed[::-1]
    assert dict(zip(backwards, assigned(backwards, 4, SUBJECTS), strict=True)) == fold_of


def test_two_images_of_one_name_are_two_and_fewer_groups_than_folds_are_refused() -> None:
    assert sorted(assigned(["a", "a", "a"], 3)) == [1, 2, 3]
    with pytest.raises(DataError, match="at most the 2 images to divide, got 3"):
        assigned(["a", "b"], 3)
    with pytest.raises(DataError, match="at most the 1 subject to divide, got 2"):
        assigned(["a/1", "a/2"], 2, SUBJECTS)


def test_the_digest_says_which_image_is_in_which_fold_and_is_the_same_for_all() -> None:
    one, two = load(TINY), load(replace(TINY, fold=2))
    assert one.digest == two.digest
    others = [load(replace(TINY, folds=6)), load(HELD), load(replace(TINY, folds=0, fold=0))]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_folds_share_the_images_of_one_decoding_and_equal_what_is_read_on_access() -> None:
    dataset, streamed = load(HELD), load(replace(HELD, cache="off", fold=3))
    assert dataset.pool is not None
    assert dataset.nbytes == dataset.pool.nbytes
    third = dataset.for_fold(3)
    assert third.splits["train"].nbytes == 0, "an index list alone"
    for split in ("train", "val", "test"):
        rows = np.arange(len(third.splits[split]))
        for ours, theirs in zip(
            third.splits[split].stacked(rows), streamed.splits[split].stacked(rows), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
        assert third.splits[split].names == streamed.splits[split].names
        assert third.splits[split].size == (24, 32)


def test_a_trial_trains_on_its_own_fold_whatever_fold_the_study_loaded() -> None:
    config = TrialConfig().changed(
        {"data/height": 24, "data/width": 32, "data/folds": 5, "data/fold": 4, "epochs": 1}
    )
    training = Training(config, load(TINY), Learned(), torch.device("cpu"))
    own = load(replace(TINY, fold=4))
    for split in ("train", "test"):
        assert training.dataset.splits[split].names == own.splits[split].names


def test_no_fold_uses_a_stage_that_another_fold_has_trained_and_old_names_stay() -> None:
    plain = TrialConfig().changed({"data/height": 32, "data/width": 32, "loss/gamma": 1.0})
    first, second = (
        plain.changed({"data/folds": 5, "data/fold": fold, "data/holdout": 0}) for fold in (1, 2)
    )
    keys = {stage_key("inverse_net", config, "digest") for config in (plain, first, second)}
    assert len(keys) == 3
    assert len({identity(config, "digest") for config in (plain, first, second)}) == 3


def _folder(root: Path, splits: dict[str, int]) -> None:
    (root / "classes.txt").parent.mkdir(parents=True, exist_ok=True)
    (root / "classes.txt").write_text("ground\nroad\n")
    for split, count in splits.items():
        for kind in ("images", "masks"):
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = np.zeros((8, 8), np.uint8)
            pixels[number % 6 :, 2:5] = 1
            Image.fromarray(pixels * 99 + number).save(root / f"images/{split}/{number}.png")
            Image.fromarray(pixels).save(root / f"masks/{split}/{number}.png")


def test_a_folder_without_lists_is_divided_whole_and_a_named_test_list_is_kept_out(
    tmp_path: Path,
) -> None:
    _folder(tmp_path / "bare", {"": 20})
    bare = DataConfig(dataset="folder", root=str(tmp_path / "bare"), folds=5, fold=2)
    assert len(open_layout(bare).pool) == 20
    _folder(tmp_path / "lists", {"train": 8, "val": 4, "test": 3})
    lists = replace(bare, root=str(tmp_path / "lists"))
    layout = open_layout(lists)
    assert len(layout.pool) == 12, "images of one name in two folders are two"
    assert layout.divided.endswith("; the test list (3 images) is kept out")
    both = open_layout(replace(lists, train_list="trainval"))
    assert len(both.pool) == 12, "trainval does not double the validation images"


def test_an_equal_image_in_two_folds_is_said(tmp_path: Path) -> None:
    _folder(tmp_path, {"": 10})
    (tmp_path / "images/9.png").write_bytes((tmp_path / "images/3.png").read_bytes())
    (tmp_path / "masks/9.png").write_bytes((tmp_path / "masks/3.png").read_bytes())
    config = DataConfig(dataset="folder", root=str(tmp_path), folds=10, fold=1, holdout=0)
    dataset = load(config)
    warnings = [line for line in dataset.sanity.warnings if "in test too, by content" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith("folds ")
    assert dataset.shared["train"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 1}, "data/folds must be 0 or >= 2, got 1"),
        ({"folds": 5}, "data/fold must be 1 .. 5 with data/folds=5, got 0"),
        ({"folds": 5, "fold": 6}, "data/fold must be 1 .. 5 with data/folds=5, got 6"),
        ({"fold": 1}, "data/fold must be 0 without folds, got 1"),
        ({"folds": 5, "fold": 1, "train_images": 9}, "data/train_images must be 0 with data/folds"),
        ({"folds": 5, "fold": 1, "test_list": "x"}, "data/test_list must be '' with data/folds"),
    ],
)
def test_a_config_that_contradicts_itself_is_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message.replace('.', '[.]')}"):
        DataConfig(**changes)  # type: ignore[arg-type]
