"""The files of a report, from the ledger alone."""

from collections.abc import Mapping
from pathlib import Path

from search_spaces import SPACES
from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.reporting import document, html, table_files
from study.reporting.document import Prose, Section
from study.reporting.figures.draw import draw
from study.reporting.sections import report


def write(
    results: SearchResults | AblationResults, folder: StudyFolder, importance: Mapping[str, float]
) -> list[Path]:
    """Write the report, its tables and its figures. The same ledger, and the same counts and
    pictures beside it, give the same bytes.

    Returns:
        The files: ``report.md`` first, then ``report.html``, which needs no other.
    """
    plan, target = results.record.plan, folder.report
    plots = draw(results, SPACES[plan.space], target)
    parts = report.whole(results, folder, plots, importance)
    texts = {
        "report.md": _text(results, folder, parts),
        "report.html": html.page(plan.study, plan.question, parts),
        **(table_files.files(results) if isinstance(results, AblationResults) else {}),
    }
    for name, text in texts.items():
        (target / name).write_text(text)
    return [*(target / name for name in texts), *plots.values()]


def markdown(
    results: SearchResults | AblationResults, folder: StudyFolder, importance: Mapping[str, float]
) -> str:
    """The report's text without plots."""
    return _text(results, folder, report.whole(results, folder, {}, importance))


def _text(
    results: SearchResults | AblationResults, folder: StudyFolder, parts: report.Parts
) -> str:
    plan = results.record.plan
    title = Section(plan.study, [Prose(plan.question)], 1)
    return document.markdown([title, *parts], folder.report)
