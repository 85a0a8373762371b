"""Networks that predict one class on every image: they have learned nothing that can be compared.

Shape letters: N images, K classes; a last axis of 3 is true positives, false positives, false
negatives.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from trainables.metrics import counts_file

MOST = 200
"""Networks whose counts are read, the first of a study: a file takes milliseconds."""


class Seen(NamedTuple):
    """The classes of a list of images."""

    predicted: tuple[int, ...]
    """Those that a network predicts anywhere."""
    true: tuple[int, ...]
    """Those that are there."""

    @property
    def alone(self) -> int | None:
        """The only class that is predicted, where others are there, too."""
        return self.predicted[0] if len(self.predicted) == 1 < len(self.true) else None


def one_class_alone(record: StudyRecord, folder: StudyFolder) -> str:
    """How many complete trials predict one class alone, and what to do; "" if none does.

    The counts of the validation list tell it, else those of the test list. A trial without counts,
    or with counts that cannot be read, is left out, and so is one whose images have one class.
    """
    counts = {
        trial.number: path
        for trial in record.compared().in_state("complete")
        if (path := folder.counts_of(trial, "val") or folder.counts_of(trial, "test"))
    }
    return in_words(record, counts)


def in_words(record: StudyRecord, counts: Mapping[int, Path]) -> str:
    """The line of ``one_class_alone`` from counts files, by the number of their complete trial."""
    first = [counts[number] for number in sorted(counts)[:MOST]]
    seen = [found for path in first if (found := _seen(path)) is not None]
    alone = Counter(_name(record, found.alone) for found in seen if found.alone is not None)
    if not alone:
        return ""
    each = ", ".join(
        f"{count} of {len(seen)} networks predict only {name}" for name, count in alone.items()
    )
    return f"{each}: train longer or raise optim/lr"


def class_alone(record: StudyRecord, files: Iterable[Path]) -> str:
    """The only class that a trial's network predicts, by the counts among its files; "" if it
    predicts several, or no counts can be read."""
    counts = counts_among(files)
    found = _seen(counts) if counts is not None else None
    return _name(record, found.alone) if found and found.alone is not None else ""


def counts_among(files: Iterable[Path]) -> Path | None:
    """The counts file among a trial's artifacts, if there is one."""
    return next((path for path in files if path.suffix == ".npz"), None)


def _name(record: StudyRecord, number: int) -> str:
    """The name of a class."""
    classes = record.data.classes
    return classes[number] if number < len(classes) else f"class {number}"


def _seen(path: Path) -> Seen | None:
    """What a counts file says; None if it cannot be read. Each content is read once."""
    try:
        state = path.stat()
    except OSError:
        return None
    return _read(path, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4 * MOST)
def _read(path: Path, inode: int, size: int, mtime_ns: int) -> Seen | None:
    """The other arguments let a changed file be read again."""
    try:
        overlap_K3 = counts_file.load(path).overlap_NK3.sum(dim=0)
    except (ValueError, OSError):
        return None
    agreed_K, wrong_K, missed_K = overlap_K3.unbind(dim=-1)
    predicted, true = (agreed_K + wrong_K).nonzero(), (agreed_K + missed_K).nonzero()
    return Seen(tuple(predicted.flatten().tolist()), tuple(true.flatten().tolist()))
