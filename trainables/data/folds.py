"""k-fold cross-validation: which images of a pool train, choose and judge in each fold.

Every image of the pool is in the test list of exactly one fold. What a fold tests neither trains
nor chooses in it. Images that belong together (of one subject, city or film) are in one fold.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from trainables.config import DataConfig
from trainables.config.words import counted
from trainables.data import holdout
from trainables.data.dataset import DataError
from trainables.data.fold_views import FoldLists
from trainables.data.samples import Groups, Sample, fields_of


class Division(NamedTuple):
    """A pool of images, and the lists of each fold."""

    pool: tuple[Sample, ...]
    lists: FoldLists
    words: str
    """``5 folds: 66, 66, 66, 65 and 65 images, 20 subjects whole``."""
    held_out: str
    """What the validation lists are; "" if each fold's test list stands in for its validation."""


def divide(
    splits: Mapping[str, tuple[Sample, ...]], config: DataConfig, groups: Groups | None
) -> Division:
    """Divide the training and validation lists into ``data/folds`` parts.

    A test list of its own is kept out: a publication's figures are of it, and stay unseen.

    Raises:
        DataError: fewer images, or groups of images, than folds.
    """
    pool = _pool(splits)
    fold_of = assigned([sample.name for sample in pool], config.folds, groups)
    by = groups if config.holdout_by == "group" else None
    step = holdout.one_of({}, config)
    lists, words = list[dict[str, tuple[int, ...]]](), ""
    for fold in range(1, config.folds + 1):
        train = [place for place, of in enumerate(fold_of) if of != fold]
        test = tuple(place for place, of in enumerate(fold_of) if of == fold)
        chosen: set[int] = set()
        if step:
            chosen, words = holdout.chosen_places([pool[place] for place in train], step, by)
        rest = tuple(place for index, place in enumerate(train) if index not in chosen)
        held = tuple(place for index, place in enumerate(train) if index in chosen)
        lists.append({"train": rest, "val": held or test, "test": test})
    kept_out = len(splits.get("test", ()))
    return Division(pool, tuple(lists), said(fold_of, pool, groups, kept_out), words)


def _pool(splits: Mapping[str, tuple[Sample, ...]]) -> tuple[Sample, ...]:
    """The training and validation images, each once: ``trainval`` may be the training list."""
    both = (*splits.get("train", ()), *splits.get("val", ()))
    return tuple({_place_of(sample): sample for sample in both}.values())


def _place_of(sample: Sample) -> tuple[object, ...]:
    """What tells images of one name apart: their files, and the number of a slice."""
    found = (value for value in fields_of(sample) if isinstance(value, Path | int))
    return sample.name, *found


def assigned(names: Sequence[str], folds: int, groups: Groups | None = None) -> list[int]:
    """By image, its fold from 1, so that folds have about the same number of images.

    The largest group goes first, each into the smallest fold so far; equal ones in the order of a
    hash of their names, which the order of the list does not change.

    Args:
        names: of the images.
        folds: 2 or more.
        groups: what belongs together; None for nothing.

    Raises:
        DataError: fewer groups than folds.
    """
    keys = [groups.of(name) for name in names] if groups else _told_apart(names)
    sizes = Counter(keys)
    if len(sizes) < folds:
        what = counted(len(sizes), groups.noun, groups.plural) if groups else ""
        have = what or counted(len(sizes), "image")
        raise DataError(f"data/folds must be at most the {have} to divide, got {folds}")
    order = sorted(sizes, key=lambda key: (-sizes[key], hashlib.sha256(key.encode()).digest()))
    filled, fold_of = [0] * folds, dict[str, int]()
    for key in order:
        smallest = filled.index(min(filled))
        filled[smallest] += sizes[key]
        fold_of[key] = smallest + 1
    return [fold_of[key] for key in keys]


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names of which those that come again (of another folder) have a number."""
    seen, keys = Counter[str](), []
    for name in names:
        keys.append(f"{name}\0{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return keys


def said(
    fold_of: Sequence[int], pool: Sequence[Sample], groups: Groups | None, kept_out: int
) -> str:
    """``5 folds: 66, 66, 66, 65 and 65 images, 20 subjects whole``."""
    sizes = Counter(fold_of)
    each = [str(sizes[fold]) for fold in sorted(sizes)]
    whole = ""
    if groups:
        count = len({groups.of(sample.name) for sample in pool})
        whole = f", {counted(count, groups.noun, groups.plural)} whole"
    out = f"; the test list ({counted(kept_out, 'image')}) is kept out" if kept_out else ""
    return f"{len(sizes)} folds: {', '.join(each[:-1])} and {each[-1]} images{whole}{out}"
