"""The counts of every test image, kept beside the ledger until their intervals are in it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from study.image_bootstrap import interval
from study.plan import Plan
from study.record import StudyRecord, TrialRecord
from trainables.metrics import counts_file


def write(study: Path, number: int, content: bytes) -> None:
    """Keep a trial's counts of the test list."""
    path = _path(study, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(path)


def intervals(plan: Plan, record: StudyRecord) -> dict[str, list[float]]:
    """By cell, how far the delta of mIoU moves with the images; without counts it is left out."""
    assert plan.grid is not None
    cells: dict[str, dict[int, NDArray[np.int64]]] = {}
    for trial in record.compared().in_state("complete"):
        path = _home(plan, trial)
        if path.exists():
            overlap_NK3 = counts_file.load(path).overlap_NK3.numpy()
            cells.setdefault(trial.cell, {})[trial.seed] = overlap_NK3
    baseline = cells.pop(plan.grid.baseline, {})
    found = {name: interval(counts, baseline) for name, counts in cells.items()}
    return {name: list(one) for name, one in found.items() if one is not None}


def _home(plan: Plan, trial: TrialRecord) -> Path:
    """Where a trial's counts lie: here, or in the study that it was taken from."""
    if trial.reused:
        elsewhere = _path(plan.storage / trial.reused["study"], trial.reused["trial"])
        if elsewhere.exists():
            return elsewhere
    return _path(plan.folder, trial.number)


def _path(study: Path, number: int) -> Path:
    return study / "counts" / f"trial-{number:04d}.test.npz"
