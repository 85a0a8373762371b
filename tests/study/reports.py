"""A record's report, written as the command writes it."""

from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

from matplotlib.figure import Figure

from search_spaces import SPACES
from study.analysis.results import results_of
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting import write_report
from study.reporting.figures import draw
from study.search.importance import importances


def write(record: StudyRecord, folder: StudyFolder) -> list[Path]:
    results = results_of(record)
    return write_report.write(results, folder, importances(results, SPACES[record.plan.space]))


def markdown(record: StudyRecord, folder: Path) -> str:
    """The text of ``report.md``, which no pixel of a figure changes: their files are empty."""
    with patch.object(draw, "save", _empty):
        return write(record, StudyFolder(folder))[0].read_text()


def _empty(figures: Mapping[str, Figure | None], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [name for name, figure in figures.items() if figure is not None]
    paths = {name: folder / f"{name}.png" for name in drawn}
    for path in paths.values():
        path.touch()
    return paths
