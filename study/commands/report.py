"""A study's report, from its ledger alone: `python study/report.py NAME [--rebuild-mlflow]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from study.commands.options import OneLineParser
from study.ledger.ledger import FILE, read
from study.ledger.record import StudyRecord, TrialRecord
from study.ledger.study_folder import check_name, load_record, require_known
from study.planning.plugin import install_from_plan
from study.planning.request import storage_of, tracking_uri_of
from study.reporting.write_report import write
from study.tracking.sink import MlflowSink


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
        record = load_record(folder)
        install_from_plan(record.plan)
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
        return [
            *sorted((folder / "pictures" / trial.folder).glob("*.png")),
            *(folder / "counts").glob(f"{trial.folder}.npz"),
        ]

    sink = MlflowSink(uri, read(folder / FILE)[0], keepsakes)
    model = folder / "model"
    complaint = sink.close(files, model if model.exists() else None, patience_s=3600)
    print(complaint or f"{len(record.trials)} runs in {uri}")
    return 1 if complaint else 0
