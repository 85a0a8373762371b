"""A study's report, from its ledger alone: `python study/report.py NAME [--rebuild-mlflow]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from search_spaces import SPACES
from study import blocks, figures, html, own_parts, sections, table_text
from study.blocks import Prose, Section
from study.ledger import FILE, LedgerError, folded, read
from study.mlflow_sink import MlflowSink
from study.options import OneLineParser, storage_of, tracking_uri_of
from study.plan import check_name
from study.record import StudyRecord
from study.storage import require_known
from study.trial_record import TrialRecord


def load(folder: Path) -> StudyRecord:
    """The record of the study in a folder.

    Raises:
        FileNotFoundError: there is no ledger.
        LedgerError: it cannot be read.
    """
    path = folder / FILE
    record = folded(path, read(path)[0], StudyRecord())
    if not record.plan:
        raise LedgerError(f"{path}: holds no plan: the study never began; start it anew")
    return record


def write(record: StudyRecord, folder: Path) -> list[Path]:
    """Write the report, its tables and its figures; the same ledger, and the same counts and
    pictures beside it, give the same bytes.

    Args:
        folder: the study's.

    Returns:
        The files: ``report.md`` first, then ``report.html``, which needs no other.
    """
    target = folder / "report"
    plots = figures.draw(record.compared(), SPACES[record.plan["space"]], target)
    parts = sections.whole(record, folder, plots)
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
    return _text(record, folder, sections.whole(record, folder, {}))


def _text(record: StudyRecord, folder: Path, parts: sections.Parts) -> str:
    title = Section(record.plan["study"], [Prose(record.plan["question"])], 1)
    return blocks.markdown([title, *parts], folder / "report")


def _tables(record: StudyRecord) -> dict[str, str]:
    return {
        "table.md": table_text.markdown(record), "table.csv": table_text.comma_separated(record),
        "table.tex": table_text.latex(record),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line for what a user can mend."""
    parser = OneLineParser(prog="study/report.py", description="A study's report, made again.")
    parser.add_argument("name", help="of the study")
    parser.add_argument("--storage", type=Path, help="folder of studies, default ./runs")
    parser.add_argument("--tracking-uri", help="MLflow; default: sqlite:///mlflow.db")
    parser.add_argument("--rebuild-mlflow", action="store_true", help="write all runs anew")
    given = parser.parse_args(arguments)
    try:
        check_name(given.name)
        folder = storage_of(given) / given.name
        require_known("NAME", folder)
        record = load(folder)
        own_parts.from_plan(record.plan)
    except ValueError as error:
        print(f"study/report.py: {error}", file=sys.stderr)
        return 2
    files = write(record, folder)
    print(files[0])
    if given.rebuild_mlflow:
        return _rebuild(record, folder, tracking_uri_of(given), files)
    return 0


def _rebuild(record: StudyRecord, folder: Path, uri: str, files: list[Path]) -> int:
    def keepsakes(trial: TrialRecord) -> list[Path]:
        return [*sorted((folder / "pictures" / trial.folder).glob("*.png")),
                *(folder / "counts").glob(f"{trial.folder}.npz")]  # fmt: skip

    sink = MlflowSink(uri, record, keepsakes)
    sink.rebuild()
    model = folder / "model"
    complaint = sink.close(files, model if model.exists() else None, patience_s=3600)
    print(complaint or f"{len(record.trials)} runs in {uri}")
    return 1 if complaint else 0


if __name__ == "__main__":
    sys.exit(main())
