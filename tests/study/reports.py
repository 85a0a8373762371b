"""A record's report, written as the command writes it."""

from pathlib import Path

from search_spaces import SPACES
from study.analysis.results import results_of
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting import write_report
from study.search.importance import importances


def write(record: StudyRecord, folder: StudyFolder) -> list[Path]:
    results = results_of(record)
    return write_report.write(results, folder, importances(results, SPACES[record.plan.space]))


def markdown(record: StudyRecord, folder: Path) -> str:
    """The text of ``report.md``."""
    return write(record, StudyFolder(folder))[0].read_text()
