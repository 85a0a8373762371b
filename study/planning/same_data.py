"""Whether a resumed study, or a trial that runs again, has the data of its first run."""

from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from trainables.data import Dataset
from trainables.data.digest import is_old


def require_same_data(plan: Plan, record: StudyRecord, dataset: Dataset) -> None:
    """Raise a ValueError if the data is not that of the first run.

    Args:
        plan: with the trial that it repeats, if it is a replay.
        record: of the study so far; empty for a new one.
        dataset: as it is now.
    """
    lists = was = _lists(dataset)
    if record.planned is not None:
        flag, expected = "--resume", record.data.digest
        was = (record.data.classes, record.data.images)
    else:
        replayed = plan.design.replayed
        flag, expected = "--replay", replayed.digest if replayed else dataset.digest
    digest = dataset.digest_as(expected)
    if expected != digest:
        raise ValueError(f"{flag} needs the data of its first run: digest {expected}, got {digest}")
    if was != lists:  # a digest of the first version leaves them out
        raise ValueError(f"{flag} needs the data of its first run: {was}, got {lists}")


def is_of_old_digest(record: StudyRecord) -> bool:
    """Whether a study was begun with a digest of the first version, which leaves out what decides
    the numbers: nothing of other studies is then known to be equal."""
    return record.planned is not None and is_old(record.data.digest)


def _lists(dataset: Dataset) -> tuple[list[str], dict[str, int]]:
    """The classes, and the number of images by split."""
    counts = {split: len(images) for split, images in dataset.splits.items()}
    return list(dataset.classes), counts
