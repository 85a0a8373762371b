"""J and F of each film by itself, from the stored counts per image."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from study.analysis.image_counts import segments
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from trainables.metrics import counts_file, series

Figures = Mapping[str, float]
"""By metric, such as ``davis_j``."""


def by_trial(
    folder: StudyFolder, trials: Sequence[TrialRecord], split: str
) -> dict[int, dict[str, Figures]]:
    """By number and film, what each trial scores on a list; a trial is absent without counts that
    can be used, or without films. (Other sections name damaged files.)"""
    found = {trial.number: _of(folder, trial, split) for trial in trials}
    return {number: films for number, films in found.items() if films}


def _of(folder: StudyFolder, trial: TrialRecord, split: str) -> dict[str, Figures]:
    path = folder.counts_of(trial, split)
    if path is None or not segments(trial):
        return {}
    try:
        counts, names = counts_file.load(path), counts_file.load_names(path)
    except (OSError, ValueError):
        return {}
    if not counts.film_NK2.any() or not names:
        return {}
    films = series.by_film(counts)
    # Of the objects: the first class is the background.
    scores = {name: values_VK[:, 1:].mean(dim=1) for name, values_VK in films.values.items()}
    return {
        names[row].rpartition("/")[0]: {name: float(of[place]) for name, of in scores.items()}
        for place, row in enumerate(films.rows)
    }


def mean(trials: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    """By film, the mean over the trials that have it."""
    films = dict.fromkeys(film for trial in trials for film in trial)
    return {film: _mean([trial[film] for trial in trials if film in trial]) for film in films}


def _mean(figures: Sequence[Figures]) -> Figures:
    return {metric: fmean(each[metric] for each in figures) for metric in figures[0]}
