"""Networks that lose a class: they predict one alone, or have next to no pixel of it right.

A difference in mIoU between two losses may come from such classes alone.

Shape letter: K classes; a last axis of 3 is true positives, false positives, false negatives.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from study.analysis.image_counts import total_overlap
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from trainables.config.words import counted
from trainables.metrics.overlap import iou

LEAST_IOU = 0.01
"""A class with less is lost: a handful of its pixels may be right by chance."""
MOST = 200
"""Networks whose counts are read, the first of a study: a file takes milliseconds."""
NAMED = 3
"""Cells, and classes of a cell, that are named; the others are counted."""


class Seen(NamedTuple):
    """The classes of a list of images."""

    predicted: tuple[int, ...]
    """Those that a network predicts anywhere."""
    true: tuple[int, ...]
    """Those that are there."""
    lost: tuple[int, ...]
    """Those that are there, with an IoU below ``LEAST_IOU``."""

    @property
    def alone(self) -> int | None:
        """The only class that is predicted, where others are there, too."""
        return self.predicted[0] if len(self.predicted) == 1 < len(self.true) else None


def lost_classes(record: StudyRecord, folder: StudyFolder) -> str:
    """How many complete trials lose a class, which, and what to do; "" if none.

    The counts of the validation list tell it. A trial without counts, or with counts that cannot be
    read, is left out, and so is one whose images have one class.
    """
    counts = {
        trial.number: path
        for trial in record.compared().in_state("complete")
        if (path := folder.counts_of(trial, "val"))
    }
    return in_words(record, counts)


def in_words(record: StudyRecord, counts: Mapping[int, Path]) -> str:
    """The line of ``lost_classes`` from counts files, by the number of their complete trial."""
    first = {number: _seen(counts[number]) for number in sorted(counts)[:MOST]}
    seen = {number: found for number, found in first.items() if found is not None}
    words = "; ".join(filter(None, (_alone(record, seen), _lost(record, seen))))
    return f"of the first {MOST} networks: {words}" if words and len(counts) > MOST else words


def of_trial(record: StudyRecord, files: Iterable[Path]) -> str:
    """The classes that a trial's network loses, by the counts among its files; "" if it
    loses none, or no counts can be read."""
    counts = counts_among(files)
    found = _seen(counts) if counts is not None else None
    if found is None:
        return ""
    if found.alone is not None:
        return f"all but {_name(record, found.alone)}"
    return ", ".join(_name(record, number) for number in found.lost)


def counts_among(files: Iterable[Path]) -> Path | None:
    """The counts file among a trial's artifacts, if there is one."""
    return next((path for path in files if path.suffix == ".npz"), None)


def _alone(record: StudyRecord, seen: Mapping[int, Seen]) -> str:
    alone = Counter(found.alone for found in seen.values() if found.alone is not None)
    each = ", ".join(
        f"{count} of {len(seen)} networks predict only {_name(record, number)}"
        for number, count in alone.items()
    )
    return f"{each}: train longer or raise optim/lr" if each else ""


def _lost(record: StudyRecord, seen: Mapping[int, Seen]) -> str:
    """By cell, the largest share first: how many networks lost some classes, and which."""
    by_cell: dict[str, list[tuple[int, ...]]] = {}
    for number, found in seen.items():
        lost = () if found.alone is not None else found.lost
        by_cell.setdefault(record.trials[number].cell, []).append(lost)
    shares = {cell: sum(map(bool, each)) / len(each) for cell, each in by_cell.items()}
    cells = [cell for cell in sorted(shares, key=lambda cell: -shares[cell]) if shares[cell] > 0]
    if not cells:
        return ""
    named = [_of_cell(record, cell, by_cell[cell]) for cell in cells[:NAMED]]
    more = [f"and {counted(len(cells) - NAMED, 'more cell')}"] if len(cells) > NAMED else []
    where = record.data.list_name("val")
    return (
        f"classes lost (IoU below {LEAST_IOU:.0%}) on the {where}, by "
        f"{', '.join([*named, *more])}: a difference in mIoU may come from these classes alone; "
        "train longer"
    )


def _of_cell(record: StudyRecord, cell: str, each: list[tuple[int, ...]]) -> str:
    """``4 of 6 networks of semeda (person, cow)``."""
    ordered = Counter(number for lost in each for number in lost).most_common()
    names = first_named([_name(record, number) for number, _ in ordered])
    of_cell = f" of {cell}" if cell else ""
    return f"{sum(map(bool, each))} of {len(each)} networks{of_cell} ({names})"


def first_named(names: Sequence[str]) -> str:
    """``a, b, c, 2 more``."""
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])


def _name(record: StudyRecord, number: int) -> str:
    """The name of a class."""
    classes = record.data.classes
    return classes[number] if number < len(classes) else f"class {number}"


def is_lost(overlap_K3: Tensor) -> Tensor:
    """bool (K): the classes that are there and have next to no IoU."""
    true_positives_K, _, false_negatives_K = overlap_K3.unbind(dim=-1)
    return (true_positives_K + false_negatives_K > 0) & (iou(overlap_K3) < LEAST_IOU)


def _seen(path: Path) -> Seen | None:
    """What a counts file says; None if it cannot be read."""
    overlap_K3 = total_overlap(path)
    if overlap_K3 is None:
        return None
    right_K, wrong_K, missed_K = overlap_K3.unbind(dim=-1)
    masks = (right_K + wrong_K > 0, right_K + missed_K > 0, is_lost(overlap_K3))
    return Seen(*(tuple(mask_K.nonzero().flatten().tolist()) for mask_K in masks))
