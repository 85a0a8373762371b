"""The section with J and F of each film, and its file: the mean over films hides the lost ones."""

from collections.abc import Mapping, Sequence

import pandas

from study.analysis import films
from study.analysis.films import Figures
from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting import table_files
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.values import metric_value

FILE = "films.csv"
_COLUMNS = {"davis_j": "J", "davis_f": "F"}


def of_search(results: SearchResults, folder: StudyFolder) -> Parts:
    """The winner's figures; no section without films."""
    trials, split = _trials(results)
    found = films.by_trial(folder, trials[:1], split)
    by_name = {f"trial {number}": of for number, of in found.items()}
    return _section(by_name, results.record.data.list_name(split))


def of_ablation(results: AblationResults, folder: StudyFolder) -> Parts:
    """Each cell's figures, mean over its seeds; no section without films."""
    found = films.by_trial(folder, results.finalists, results.split)
    by_cell: dict[str, list[Mapping[str, Figures]]] = {}
    for trial in results.finalists:
        if trial.number in found:
            by_cell.setdefault(trial.cell, []).append(found[trial.number])
    by_name = {cell: films.mean(seeds) for cell, seeds in by_cell.items()}
    return _section(by_name, results.record.data.list_name(results.split))


def _section(by_name: Mapping[str, Mapping[str, Figures]], where: str) -> Parts:
    if not by_name:
        return []
    names = dict.fromkeys(film for of in by_name.values() for film in of)
    heads = [
        f"{metric.removeprefix('davis_').upper()} % {name}"
        for name in by_name
        for metric in _COLUMNS
    ]
    rows = [
        [film, *(_value(of.get(film), metric) for of in by_name.values() for metric in _COLUMNS)]
        for film in names
    ]
    said = (
        f"DAVIS' J and F of each film of the {where}, without its first and last frame. Every film "
        f"counts the same in `davis_j` and `davis_f`. `{FILE}` has each trial's, with recall and "
        "decay."
    )
    return [Section("By film", [Sheet(["film", *heads], rows), Prose(said)])]


def _value(figures: Figures | None, metric: str) -> str:
    return metric_value(metric, None if figures is None else figures[metric])


def files(results: SearchResults | AblationResults, folder: StudyFolder) -> dict[str, str]:
    """The content of the file, by its name; {} without films."""
    trials, split = _trials(results)
    found = films.by_trial(folder, trials, split)
    rows = [
        {"trial": trial.number, "cell": trial.cell, "seed": trial.seed, "list": split, "film": film}
        | dict(figures)
        for trial in trials
        for film, figures in found.get(trial.number, {}).items()
    ]
    return {FILE: table_files.guarded_csv(pandas.DataFrame(rows, dtype=object))} if rows else {}


def _trials(results: SearchResults | AblationResults) -> tuple[Sequence[TrialRecord], str]:
    """The trials that were measured, the best one of a search first, and on which list."""
    if isinstance(results, AblationResults):
        return results.finalists, results.split
    tested = [trial for trial in results.finalists if trial.tested is not None]
    best = [results.best] if results.best is not None else []
    return (tested, "test") if tested else (best, "val")
