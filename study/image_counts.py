"""The counts of every image, kept beside the ledger: for intervals, classes and worst images."""

from pathlib import Path

from study.image_bootstrap import intervals
from study.record import StudyRecord
from study.trial_record import TrialRecord
from trainables.metrics import counts_file
from trainables.metrics.per_image import ImageCounts


def write(study: Path, number: int, content: bytes) -> None:
    """Keep a trial's counts of the test list."""
    path = _path(study, number, "test")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(path)


def of(study: Path, trial: TrialRecord, split: str) -> Path | None:
    """A trial's counts of a list, here or in the study that it was taken from; None if there are
    none.

    Args:
        study: the study's folder.
        split: ``val`` or ``test``.
    """
    places = [_path(study, trial.number, split)]
    if trial.reused:
        elsewhere = study.parent / trial.reused["study"]
        places.insert(0, _path(elsewhere, trial.reused["trial"], split))
    return next((path for path in places if path.exists()), None)


def over_images(study: Path, record: StudyRecord) -> dict[str, dict[str, list[float]]]:
    """By metric and cell, how far a grid's delta moves with the images of the test list; cells
    without counts are left out."""
    cells: dict[str, dict[int, ImageCounts]] = {}
    for trial in record.compared().in_state("complete"):
        path = of(study, trial, "test")
        if path is not None:
            cells.setdefault(trial.cell, {})[trial.seed] = counts_file.load(path)
    baseline = cells.pop(record.plan["grid"]["baseline"], {})
    found: dict[str, dict[str, list[float]]] = {}
    for name, counts in cells.items():
        for metric, interval in intervals(counts, baseline).items():
            found.setdefault(metric, {})[name] = list(interval)
    return found


def _path(study: Path, number: int, split: str) -> Path:
    return study / "counts" / f"trial-{number:04d}{'.test' if split == 'test' else ''}.npz"
