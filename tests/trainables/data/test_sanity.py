"""The page of sanity: what is wrong with a dataset is said before anything runs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.commands.run import main
from tests.trainables.data.test_mask_meaning import grey, make, opened
from trainables.config import DataConfig
from trainables.data import load


def listed(root: Path, **lists: str) -> Path:
    for split, numbers in lists.items():
        (root / f"{split}.txt").write_text("\n".join(numbers) + "\n")
    return root


def test_a_sound_dataset_has_nothing_but_its_shares(tmp_path: Path) -> None:
    sanity = opened(make(tmp_path, "ground\ncell\n", grey(0, 1))).sanity
    assert not sanity.lines
    assert sanity.splits["train"] == "8 images: ground 62.5%, cell 37.5%; void 0.0%"


@pytest.mark.parametrize(
    ("classes", "words"), [(21, " and 1 more class; void"), (22, " and 2 more classes; void")]
)
def test_one_more_is_no_plural(tmp_path: Path, classes: int, words: str) -> None:
    """ "and 1 more classes"."""
    names = "".join(f"c{number}\n" for number in range(classes))
    root = make(tmp_path, names, *(grey(number, 0) for number in range(classes)))
    few = DataConfig(dataset="folder", root=str(root), train_images=1)
    line = load(few).sanity.splits["train"]
    assert line.startswith("1 image: c0 ")
    assert words in line


def test_the_same_image_in_two_lists_is_found_by_content(tmp_path: Path) -> None:
    root = make(tmp_path, "ground\ncell\n", grey(0, 1))
    shutil.copy(root / "images" / "3.png", root / "images" / "9.png")
    Image.open(root / "images" / "4.png").save(root / "images" / "8.png", compress_level=1)
    warnings = opened(root).sanity.warnings
    assert [line.split(":")[0] for line in warnings] == [
        "1 image of train is in val too, by content",
        "1 image of train is in test too, by content",
    ]


def test_a_list_that_stands_for_the_test_is_not_called_one(tmp_path: Path) -> None:
    root = listed(make(tmp_path, "ground\ncell\n", grey(0, 1)), train="0123", val="456")
    dataset = load(DataConfig(dataset="folder", root=str(root), holdout=0))
    assert dataset.tests_on_validation
    assert dataset.sanity.splits["test"] == "the validation list (there is no test list)"
    assert not dataset.sanity.warnings


def test_a_class_that_validation_lacks_is_said(tmp_path: Path) -> None:
    root = listed(make(tmp_path, "a\nb\nc\n", grey(0, 1), grey(2, 1)), train="0123", val="57")
    sanity = load(DataConfig(dataset="folder", root=str(root), holdout=0)).sanity
    assert not sanity.failures
    assert sanity.warnings == ("val: no pixel of class 'a', which cannot be measured there",)


def test_a_part_of_the_list_may_lack_a_class(tmp_path: Path) -> None:
    root = make(tmp_path, "a\nb\nc\n", grey(0, 1), grey(2, 1))
    few = DataConfig(dataset="folder", root=str(root), train_images=1)
    sanity = load(few).sanity
    assert not sanity.failures
    assert sanity.warnings[0] == "train: no pixel of class 'c', which cannot be learned"


def refused(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    load.cache_clear()
    where = ["--dataset", "folder", "--data", str(root), "--storage", f"{root}/runs"]
    assert main(["--dry-run", "--space", "active_boundary", *where]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_a_study_does_not_start_without_a_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make(tmp_path, "a\nb\nc\n", grey(0, 1))
    assert main(["--check-data", "folder", str(root)]) == 2
    shown = capsys.readouterr().out
    assert "failure: train: no pixel of class 'c'" in shown
    assert "all files are good" not in shown
    assert "folder: train: no pixel of class 'c'" in refused(root, capsys)


def test_a_boundary_loss_needs_a_boundary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make(tmp_path, "a\nb\n", grey(0, 0), grey(1, 1))
    assert main(["--check-data", "folder", str(root)]) == 0
    assert "warning: train: no boundary at all" in capsys.readouterr().out
    error = refused(root, capsys)
    assert "folder: no boundary at all in the masks of train and val, and " in error


def test_the_plan_shows_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = listed(make(tmp_path, "a\nb\n", grey(0, 1)), train="0123", val="345")
    load.cache_clear()
    where = ["--dataset", "folder", "--data", str(root), "--storage", f"{root}/runs"]
    papers = ["--set", "data/holdout=0"]
    assert main(["--dry-run", "--space", "active_boundary", *where, *papers]) == 0
    shown = capsys.readouterr().out
    assert "test  the validation list (there is no test list)" in shown
    assert "data  folder: 4 train, 3 val and test; 8 x 6 px" in shown
    assert "train  4 images: a 62.5%, b 37.5%; void 0.0%" in shown
    assert "warning: 1 image of train is in val too" in shown


def test_labels_of_a_plugin_are_checked(tmp_path: Path) -> None:
    from trainables.data import DataError
    from trainables.data.samples import Decoded, require_sound

    image, labels = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)
    require_sound("x", Decoded(image, labels, ()), 2)
    with pytest.raises(DataError, match=r"x: labels must be 0\.\.1 or void \(255\), got 3"):
        require_sound("x", Decoded(image, labels + np.uint8(3), ()), 2)
    with pytest.raises(DataError, match=r"x: must be an image .* of uint8.* int64"):
        require_sound("x", Decoded(image, labels.astype(np.int64), ()), 2)


def test_brackets_in_a_class_name_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make(tmp_path, "a[b]\n[red]c[/]\n", grey(0, 1))
    load.cache_clear()
    assert main(["--check-data", "folder", str(root)]) == 0
    assert "1 [red]c[/]" in capsys.readouterr().out
    where = ["--dataset", "folder", "--data", str(root), "--storage", f"{root}/runs"]
    assert main(["--dry-run", "--space", "active_boundary", *where]) == 0
    assert "a[b] 62.5%, [red]c[/] 37.5%" in capsys.readouterr().out
