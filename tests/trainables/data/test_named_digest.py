"""The digest is of the data as it is used: other classes, void, lists or pairs are other data."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.raw_folders import em_stack
from trainables.config import DataConfig, TrialConfig, flatten, identity
from trainables.data import Dataset, load
from trainables.data.fingerprint import fingerprint

Options = dict[str, str]
USUAL: Options = {"images": "image", "masks": "label", "class_names": "a,b"}


def config(root: Path, options: Options) -> DataConfig:
    return DataConfig(dataset="folder", root=str(root), **options)  # type: ignore[arg-type]


def opened(root: Path, options: Options) -> Dataset:
    load.cache_clear()
    return load(config(root, options))


def stack(root: Path) -> Path:
    """Ten images whose masks hold 0 and 1, and never 2."""
    em_stack(root, 10)
    for path in (root / "label").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) // 255).save(path)
    shutil.copytree(root / "label", root / "second")
    for path in (root / "second").iterdir():
        mask = np.asarray(Image.open(path)).copy()
        mask[0, 0] = 1 - mask[0, 0]
        Image.fromarray(mask).save(path)
    return root


def _lists(root: Path) -> None:
    (root / "train.txt").write_text("\n".join(f"{n:03}" for n in (0, 1, 2, 3, 4, 5, 6, 8)))
    (root / "val.txt").write_text("007\n")
    (root / "test.txt").write_text("009\n")


def _pairs(root: Path) -> None:
    """The masks of two images change places."""
    one, other = (root / "label" / f"{n:03}.png" for n in (0, 1))
    one.rename(root / "kept.png")
    other.rename(one)
    (root / "kept.png").rename(other)


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({"class_names": "b,a"}, None),
        ({"class_names": "a,c"}, None),
        ({"class_names": "a=1,b=0"}, None),
        ({"class_names": "a,b,void=7"}, None),
        ({"class_names": "b,c,void=0"}, None),
        ({"masks": "second"}, None),
        ({}, _lists),
        ({}, _pairs),
    ],
)
def test_what_is_used_decides_the_digest_and_the_trial(
    tmp_path: Path, options: Options, change: Callable[[Path], None] | None
) -> None:
    root = stack(tmp_path)
    before, quick = opened(root, USUAL).digest, fingerprint(config(root, USUAL))
    if change is not None:
        change(root)
    if options.get("class_names") == "b,c,void=0":
        for path in (root / "label").iterdir():
            Image.fromarray(np.asarray(Image.open(path)) + np.uint8(1)).save(path)
    after = opened(root, USUAL | options).digest
    assert after != before
    assert fingerprint(config(root, USUAL | options)) != quick
    trial = TrialConfig()
    assert identity(trial, after) != identity(trial, before)


def test_the_same_data_by_other_names_are_the_same_trials(tmp_path: Path) -> None:
    root = stack(tmp_path / "one")
    usual = tmp_path / "two"
    shutil.copytree(root / "image", usual / "images")
    shutil.copytree(root / "label", usual / "masks")
    (usual / "classes.txt").write_text("a\nb\n")
    named, plain = opened(root, USUAL), opened(usual, {})
    assert named.digest == plain.digest
    trials = [
        TrialConfig(data=config(place, options)) for place, options in ((root, USUAL), (usual, {}))
    ]
    assert identity(trials[0], named.digest) == identity(trials[1], plain.digest)


def test_the_fields_are_new_ones_with_empty_defaults() -> None:
    """So an old ledger's plan, which has none of them, is what it was."""
    flat = flatten(TrialConfig())
    assert {flat[f"data/{name}"] for name in (*USUAL, "samples", "split_column")} == {""}
