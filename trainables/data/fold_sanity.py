"""Sanity of images that are divided into folds: of the pool, and of each fold's lists."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.data.dataset import Sanity
from trainables.data.facts import Facts
from trainables.data.fold_views import FoldLists
from trainables.data.samples import Decoded, Layout
from trainables.data.sanity import sanity_of, shared_with_test, summary

_NAMED = 3
"""How many folds a line names."""


class FoldFacts:
    """Statistics of the pool, and of the lists of each fold."""

    def __init__(self, folds: FoldLists) -> None:
        self._folds = [
            {split: frozenset(places) for split, places in lists.items()} for lists in folds
        ]
        self.pool = Facts()
        self.by_fold: list[dict[str, Facts]] = [_empty(lists) for lists in self._folds]

    def add_at(self, place: int, decoded: Decoded, labels_HW: NDArray[np.uint8]) -> None:
        """Count the image at this place of the pool."""
        seen = all(facts.boundary for lists in self.by_fold for facts in lists.values())
        one = Facts(boundary=int(seen))  # looks for none then
        one.add(decoded, labels_HW)
        one.boundary -= int(seen)
        self.pool.merge(one)
        for lists, facts in zip(self._folds, self.by_fold, strict=True):
            within = {id(facts[split]): split for split in facts if place in lists[split]}
            for split in within.values():
                facts[split].merge(one)

    def shared_with_test(self) -> dict[str, int]:
        """By other split, how many images of the test list it has too, in the worst fold."""
        found = [shared_with_test(facts) for facts in self.by_fold]
        splits = dict.fromkeys(split for one in found for split in one)
        return {split: max(one.get(split, 0) for one in found) for split in splits}


def _empty(lists: Mapping[str, frozenset[int]]) -> dict[str, Facts]:
    facts = {split: Facts() for split in lists}
    # One list serves as both.
    return facts | ({"test": facts["val"]} if lists["val"] == lists["test"] else {})


def sanity_of_folds(layout: Layout, config: DataConfig, facts: FoldFacts) -> Sanity:
    """What is true of the lists of one fold or more; a line names the folds it is about.

    Notes are those of the first fold: the others' differ in their figures alone.
    """
    each = [sanity_of(layout, config, by_split) for by_split in facts.by_fold]
    own = facts.by_fold[0]
    lines = {"images": summary(layout, facts.pool)}
    if own["val"] is not own["test"]:
        lines["val"] = f"in each fold, {layout.lists['val']}"
    return Sanity(
        splits=lines,
        failures=_named([one.failures for one in each]),
        warnings=_named([one.warnings for one in each]),
        notes=each[0].notes,
        without_boundary=tuple(
            dict.fromkeys(split for one in each for split in one.without_boundary)
        ),
    )


def _named(by_fold: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Each line once, with the folds that it is about unless it is about all."""
    found: dict[str, list[int]] = {}
    for fold, lines in enumerate(by_fold, start=1):
        for line in lines:
            found.setdefault(line, []).append(fold)
    return tuple(
        line if len(folds) == len(by_fold) else f"{_words(folds)}: {line}"
        for line, folds in found.items()
    )


def _words(folds: list[int]) -> str:
    named = ", ".join(map(str, folds[:_NAMED]))
    more = f" and {len(folds) - _NAMED} more" if len(folds) > _NAMED else ""
    return f"fold{'s' if len(folds) > 1 else ''} {named}{more}"
