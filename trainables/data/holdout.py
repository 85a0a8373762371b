"""Which training images are held out, so that trials are not chosen on what judges them.

Frames of one film, or slices of one subject, are nearly the same image: held out one by one, they
would rank networks by what these remember. So whole groups are held out where a layout knows them.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trainables.config import DataConfig
from trainables.config.data import AUTO
from trainables.config.words import counted
from trainables.data.dataset import DataError
from trainables.data.lists import TRAINVAL
from trainables.data.samples import Groups, Sample

_USUAL = 10
"""One of how many training images is held out by default."""


class Held(NamedTuple):
    """The training list, cut in two."""

    rest: tuple[Sample, ...]
    held: tuple[Sample, ...]
    words: str
    """What is held out."""


def one_of(splits: Mapping[str, Sequence[object]], config: DataConfig) -> int:
    """One of how many training images is held out; 0: none."""
    if config.holdout != AUTO:
        return config.holdout
    # Validation images that are trained on choose nothing.
    complete = splits.get("val") and splits.get("test") and config.train_list != TRAINVAL
    return 0 if complete else _USUAL


def hold_out(train: Sequence[Sample], step: int, groups: Groups | None) -> Held:
    """Hold out one of ``step`` images, at least one image or one group.

    Args:
        train: the training list.
        step: 2 or more.
        groups: what belongs together; None for nothing.

    Raises:
        DataError: the list has a single image or a single group.
    """
    chosen, words = chosen_places(train, step, groups)
    return Held(
        tuple(sample for index, sample in enumerate(train) if index not in chosen),
        tuple(sample for index, sample in enumerate(train) if index in chosen),
        words,
    )


def chosen_places(
    train: Sequence[Sample], step: int, groups: Groups | None
) -> tuple[set[int], str]:
    """The places in the training list that ``hold_out`` holds out, and what they are."""
    _require_several(train, groups)
    if groups is None:
        # Every step-th image, not the last ones: neighbours in a list often look alike.
        chosen = set(range(step - 1, len(train), step)) or {len(train) - 1}
        return chosen, f"training images held out, one of {step}"
    of = [groups.of(sample.name) for sample in train]
    names = _drawn(Counter(of), len(train) // step)
    every = counted(len(set(of)), groups.noun, groups.plural)
    words = f"training images held out, {len(names)} of {every}"
    return {index for index, group in enumerate(of) if group in names}, words


def _drawn(sizes: Mapping[str, int], images: int) -> set[str]:
    """Whole groups with at most this many images together, or else the smallest group.

    Their order is drawn once for all: by a hash of the name, it depends on no other group.
    """
    order = sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest())
    found: set[str] = set()
    for name in order:
        if sum(sizes[one] for one in found) + sizes[name] <= images:
            found.add(name)
    return found or {min(order, key=lambda name: sizes[name])}


def _require_several(train: Sequence[Sample], groups: Groups | None) -> None:
    instead = (
        "so that none can be held out to choose on: give data/val_list and data/test_list, or "
        "data/holdout=0 to choose and measure on the same images"
    )
    if len(train) < 2:
        raise DataError(f"the training list has {counted(len(train), 'image')}, {instead}")
    if groups is not None and len({groups.of(sample.name) for sample in train}) < 2:
        raise DataError(
            f"the training list has {len(train)} images of one {groups.noun} "
            f"({groups.of(train[0].name)}), {instead}; data/holdout_by=image holds out single ones"
        )
