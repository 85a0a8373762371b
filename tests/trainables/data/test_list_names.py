"""A list that is cut, or that stands for another one, is not called by the other's name."""

from pathlib import Path
from typing import cast

import pytest

from study.reporting.terminal import grid, search
from tests.study import fake, fake_grid
from tests.trainables.data.test_mask_meaning import grey, make
from tests.trainables.data.test_sanity import listed
from trainables.config import DataConfig
from trainables.data import load
from trainables.data.samples import Sample
from trainables.data.splits import complete

THREE = {"train": "abcdefgh", "val": "ijkl", "test": "mnop"}
TWO = {"train": "abcdefgh", "val": "ijkl"}
NO_TEST, NO_VAL = "there is no test list", "there is no validation list"


@pytest.mark.parametrize(
    ("splits", "changes", "expected"),
    [
        (THREE, {}, {}),
        (THREE, {"val_images": 4, "test_images": 9, "train_images": 1}, {}),
        (THREE, {"test_images": 3}, {"test": "test list (its first 3 images)"}),
        (THREE, {"val_images": 1}, {"val": "validation list (its first image)"}),
        (TWO, {"holdout": 0}, {"test": f"validation list ({NO_TEST})"}),
        (
            TWO,
            {},
            {
                "val": "training images held out, one of 10",
                "test": f"validation list ({NO_TEST})",
            },
        ),
        (
            TWO,
            {"val_images": 2, "holdout": 0},
            {
                "val": "validation list (its first 2 images)",
                "test": f"validation list ({NO_TEST})",
            },
        ),
        (
            TWO,
            {"test_images": 2, "holdout": 0},
            {"test": f"validation list ({NO_TEST}; its first 2 images)"},
        ),
        (
            {"train": "abc", "test": "de"},
            {"val_images": 1, "holdout": 0},
            {"val": f"test list ({NO_VAL}; its first image)"},
        ),
        (THREE, {"holdout": 4}, {"val": "training images held out, one of 4"}),
        (
            TWO,
            {"holdout": 4, "val_images": 1},
            {
                "val": "training images held out, one of 4 (its first image)",
                "test": f"validation list ({NO_TEST})",
            },
        ),
    ],
)
def test_only_a_list_that_is_not_the_whole_of_its_name_is_described(
    splits: dict[str, str], changes: dict[str, int], expected: dict[str, str]
) -> None:
    typed = cast(dict[str, tuple[Sample, ...]], splits)  # letters will do for samples
    assert complete(typed, DataConfig(**changes)).words == expected  # type: ignore[arg-type]


def test_a_dataset_and_the_plan_of_a_study_have_the_words(tmp_path: Path) -> None:
    root = listed(make(tmp_path, "ground\ncell\n", grey(0, 1)), train="0123", val="456")
    lists = load(DataConfig(dataset="folder", root=str(root), test_images=2, holdout=0)).lists
    words = f"validation list ({NO_TEST}; its first 2 images)"
    assert lists == {"test": words}
    built_in = load(DataConfig(height=8, width=8, train_images=2, val_images=99, test_images=5))
    assert built_in.lists == {"test": "test list (its first 5 images)"}
    assert len(built_in.splits["val"]) == 99
    compared = grid.facts(fake_grid.plan(tmp_path), 1, lists)["compared by"]
    assert f"on the {words} after the last epoch" in compared
    ranked = search.facts(fake.plan(tmp_path), 1, lists)["ranked by"]
    assert "on the validation list after the last epoch" in ranked
