"""The three lists of a study: which images train, which choose, which judge, and their names.

A list that is cut, or that stands for another one, is never called by the other's name.
"""

from collections.abc import Mapping
from typing import NamedTuple

from trainables.config import DataConfig
from trainables.data import folds, holdout
from trainables.data.dataset import DataError
from trainables.data.fold_views import FoldLists
from trainables.data.lists import EXTRA
from trainables.data.samples import SPLITS, Groups, Sample

_NAMES = {"val": "validation list", "test": "test list"}
_OTHER = {"val": "test", "test": "val"}


class Lists(NamedTuple):
    """What a study's three lists are."""

    splits: dict[str, tuple[Sample, ...]]
    stand_in: str
    """``test`` or ``val``: the split without images of its own, which has the other's; or ""."""
    words: dict[str, str]
    """By split, what its images are; only of lists that are not the whole of that name."""
    pool: tuple[Sample, ...] = ()
    """The images that are divided into folds; none without folds."""
    folds: FoldLists = ()
    """The lists of each fold, as places in the pool; ``splits`` has those of ``data/fold``."""
    divided: str = ""
    """How many images each fold tests, in words."""


def complete(
    splits: Mapping[str, tuple[Sample, ...]], config: DataConfig, groups: Groups | None = None
) -> Lists:
    """The training, validation and test lists, each limited to the config's number of images.

    Where the labels of the test list are not public, the official validation list is the test
    list, as in the papers. So that trials are not chosen on the images that judge them, validation
    then has a part of the training list: see ``data/holdout``.

    Args:
        splits: as the dataset has them.
        config: the user's lists and limits.
        groups: what belongs together in the training list.

    Raises:
        DataError: a split without images, or too few training images to hold some out.
    """
    if config.folds:
        return _of_fold(folds.divide(splits, config, groups), config.fold)
    full = {split: splits.get(split, ()) for split in SPLITS}
    words = dict(_NAMES)
    lacking = next((split for split in ("test", "val") if not full[split]), "")
    if lacking:
        other = _OTHER[lacking]
        full[lacking] = full[other]
        words[lacking] = f"{_NAMES[other]} (there is no {_NAMES[lacking]})"
    if (step := holdout.one_of(splits, config)) and full["train"]:
        by = groups if config.holdout_by == "group" else None
        full["train"], full["val"], words["val"] = holdout.hold_out(full["train"], step, by)
    for split, samples in full.items():
        if not samples:
            raise DataError(f"{config.root}: no images for {split}; give data/{split}_list")
    limits = {"train": config.train_images, "val": config.val_images, "test": config.test_images}
    for split in words:
        words[split] = _cut(words[split], limits[split], len(full[split]))
    limited = {split: samples[: limits[split] or None] for split, samples in full.items()}
    limited |= {EXTRA: splits[EXTRA]} if EXTRA in splits else {}
    unusual = {split: name for split, name in words.items() if name != _NAMES[split]}
    return Lists(limited, "" if step else lacking, unusual)


def _of_fold(found: folds.Division, fold: int) -> Lists:
    """The lists of one fold, as those of a study."""
    splits = {
        split: tuple(found.pool[place] for place in places)
        for split, places in found.lists[fold - 1].items()
    }
    test = f"test folds ({len(found.lists)} folds, {len(found.pool)} images, each once)"
    words = {"test": test, "val": found.held_out or f"{test[:-1]}; there is no validation list)"}
    stand_in = "" if found.held_out else "val"
    return Lists(splits, stand_in, words, found.pool, found.lists, found.words)


def _cut(words: str, limit: int, images: int) -> str:
    """The words of a list of which only the first ``limit`` images are used; 0: all."""
    if not 0 < limit < images:
        return words
    remark = f"its first {limit} images" if limit > 1 else "its first image"
    return f"{words[:-1]}; {remark})" if words.endswith(")") else f"{words} ({remark})"
