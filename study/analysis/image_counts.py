"""The counts per image of a study's trials; files that cannot be used are left out, and named."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from trainables.config.tasks import tasks_in
from trainables.metrics import counts_file
from trainables.metrics.per_image import ImageCounts
from trainables.metrics.plugin_metric import Counts


@dataclass(frozen=True)
class FoundCounts:
    """The counts of some trials on one list."""

    by_trial: dict[int, ImageCounts]
    """By number; trials without a file, or with a damaged one, are absent."""
    damaged: list[str]
    """A line for each file that cannot be used, with its name and the reason."""


def confusions(
    folder: StudyFolder, networks: Mapping[str, Sequence[TrialRecord]], split: str
) -> dict[str, Tensor]:
    """int64 (K,K) by name: pixels by true and predicted class, summed over each network's trials.

    Only if all trials of a network have them: files of older versions, and damaged ones, do not.
    """
    found = {
        name: [_confusion(folder, trial, split) for trial in trials]
        for name, trials in networks.items()
    }
    known = {name: [one for one in those if one is not None] for name, those in found.items()}
    return {
        name: torch.stack(those).sum(dim=0)
        for name, those in known.items()
        if those and len(those) == len(found[name])
    }


def total_overlap(path: Path) -> Tensor | None:
    """int64 (K,3): a file's true positives, false positives and false negatives, summed over its
    images; None if it cannot be read. Each content is read once."""
    try:
        state = path.stat()
    except OSError:
        return None
    return _total_overlap(path, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=2000)
def _total_overlap(path: Path, inode: int, size: int, mtime_ns: int) -> Tensor | None:
    """The other arguments let a changed file be read again."""
    try:
        overlap_NK3 = counts_file.load(path).overlap_NK3
    except (ValueError, OSError):
        return None  # read_counts names it
    return overlap_NK3.sum(dim=0) if len(overlap_NK3) and overlap_NK3.shape[-1] == 3 else None


def segments(trial: TrialRecord) -> bool:
    """Whether a trial's network segments, so that its counts hold anything."""
    return "semseg" in tasks_in(trial.config)


def _confusion(folder: StudyFolder, trial: TrialRecord, split: str) -> Tensor | None:
    path = folder.counts_of(trial, split)
    if path is None or not segments(trial):
        return None
    try:
        return counts_file.load_confusion(path)
    except (OSError, ValueError):
        return None  # read_counts names it


def counts_by_cell(folder: StudyFolder, record: StudyRecord) -> dict[str, dict[int, ImageCounts]]:
    """By cell and seed, the counts of a comparison's complete trials on the test list."""
    trials = {trial.number: trial for trial in record.compared().in_state("complete")}
    cells: dict[str, dict[int, ImageCounts]] = {}
    for number, found in read_counts(folder, trials.values(), "test").by_trial.items():
        cells.setdefault(trials[number].cell, {})[trials[number].unit] = found
    return cells


def plugin_counts_by_cell(
    folder: StudyFolder, record: StudyRecord
) -> dict[str, dict[int, dict[str, Counts]]]:
    """By cell, seed and metric of the plug-in, what each image of the test list counts (N,C)."""
    cells: dict[str, dict[int, dict[str, Counts]]] = {}
    for trial in record.compared().in_state("complete") if record.plan.metrics else ():
        if (path := folder.counts_of(trial, "test")) is None:
            continue
        with suppress(OSError, ValueError):  # read_counts names it
            found = counts_file.load_plugin_counts(path, record.plan.metrics)
            cells.setdefault(trial.cell, {})[trial.seed] = found
    return cells


def read_counts(folder: StudyFolder, trials: Iterable[TrialRecord], split: str) -> FoundCounts:
    """Read the counts of these trials on a list, ``val`` or ``test``."""
    found = FoundCounts({}, [])
    for trial in trials:
        path = folder.counts_of(trial, split)
        if path is None or not segments(trial):
            continue
        try:
            found.by_trial[trial.number] = counts_file.load(path)
        except (OSError, ValueError) as error:
            found.damaged.append(f"trial {trial.number}: {error}")
    return found
