"""The counts per image of a study's trials; files that cannot be used are left out, and named."""

from collections.abc import Iterable
from dataclasses import dataclass

from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from trainables.metrics import counts_file
from trainables.metrics.per_image import ImageCounts


@dataclass(frozen=True)
class FoundCounts:
    """The counts of some trials on one list."""

    by_trial: dict[int, ImageCounts]
    """By number; trials without a file, or with a damaged one, are absent."""
    damaged: list[str]
    """A line for each file that cannot be used, with its name and the reason."""


def read_counts(folder: StudyFolder, trials: Iterable[TrialRecord], split: str) -> FoundCounts:
    """Read the counts of these trials on a list, ``val`` or ``test``."""
    found = FoundCounts({}, [])
    for trial in trials:
        path = folder.counts_of(trial, split)
        if path is None:
            continue
        try:
            found.by_trial[trial.number] = counts_file.load(path)
        except (OSError, ValueError) as error:
            found.damaged.append(f"trial {trial.number}: {error}")
    return found
