"""The files of a report, from the ledger alone."""

from pathlib import Path

from search_spaces import SPACES
from study.ledger.record import StudyRecord
from study.reporting import document, html
from study.reporting.document import Prose, Section
from study.reporting.figures.draw import draw
from study.reporting.sections import ablation_table, report


def write(record: StudyRecord, folder: Path) -> list[Path]:
    """Write the report, its tables and its figures; the same ledger, and the same counts and
    pictures beside it, give the same bytes.

    Args:
        folder: the study's.

    Returns:
        The files: ``report.md`` first, then ``report.html``, which needs no other.
    """
    target = folder / "report"
    plots = draw(record.compared(), SPACES[record.plan["space"]], target)
    parts = report.whole(record, folder, plots)
    texts = {
        "report.md": _text(record, folder, parts),
        "report.html": html.page(record.plan["study"], record.plan["question"], parts),
        **(_tables(record) if "grid" in record.plan else {}),
    }
    for name, text in texts.items():
        (target / name).write_text(text)
    return [*(target / name for name in texts), *plots.values()]


def markdown(record: StudyRecord, folder: Path) -> str:
    """The report's text, without figures of the ledger's own."""
    return _text(record, folder, report.whole(record, folder, {}))


def _text(record: StudyRecord, folder: Path, parts: report.Parts) -> str:
    title = Section(record.plan["study"], [Prose(record.plan["question"])], 1)
    return document.markdown([title, *parts], folder / "report")


def _tables(record: StudyRecord) -> dict[str, str]:
    return {
        "table.md": ablation_table.markdown(record),
        "table.csv": ablation_table.comma_separated(record),
        "table.tex": ablation_table.latex(record),
    }
