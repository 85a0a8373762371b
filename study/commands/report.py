"""`study/report.py NAME [--rebuild-mlflow]`: write a report and MLflow runs from a ledger.

With several names and ``--together``, the report of their datasets together. A mistake in the
options is refused before what takes seconds to import (torch, pandas, matplotlib).
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from cluster.one_line_parser import OneLineParser
from cluster.preflight.tracking import tracking_checks
from cluster.safe_text import printable, without_passwords
from study.analysis.power import SMALLEST
from study.commands import process
from study.commands.screen import outlived
from study.ledger.errors import StorageError
from study.ledger.record import StudyRecord
from study.ledger.storage import check_name
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.ledger.typed_command import name_of
from study.planning.request import StudyRequest
from trainables.config.words import counted
from trainables.proof import DamageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report. The exit code is 2 after a user's error, 1 if MLflow lacks a run."""
    with outlived():
        process.prepare()
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    parser = OneLineParser(
        prog=name_of("study/report.py"), description="Write a study's report again."
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="name of the study")
    parser.add_argument("--storage", type=Path, help="folder of studies; default: ./runs")
    parser.add_argument("--tracking-uri", help="URI of MLflow; default: sqlite:///mlflow.db")
    parser.add_argument("--rebuild-mlflow", action="store_true", help="write all MLflow runs again")
    group = parser.add_argument_group("several studies of different datasets")
    group.add_argument("--together", action="store_true", help="pool their comparisons")
    group.add_argument("--cells", metavar="CELL,...", help="pool these cells; default: all")
    group.add_argument(
        "--smallest",
        type=float,
        metavar="POINTS",
        help=f"gains up to here are practically none; default: {100 * SMALLEST:g} percentage "
        "points, 0 of a metric with a unit",
    )
    group.add_argument("--out", type=Path, help="folder of the report; default: below the storage")
    given = parser.parse_args(arguments)
    request = StudyRequest(storage=given.storage, tracking_uri=given.tracking_uri)
    try:
        if given.together:
            _together(given, request.storage_folder())
            return 0
        _require_alone(given)
        (name,) = given.names
        check_name(name)
        folder = StudyFolder(request.storage_folder() / name)
        folder.require_known("NAME")
        record = folder.load()
        uri = request.tracking()
        if given.rebuild_mlflow:
            _require_mlflow(uri)
    except ValueError as error:
        print(f"{name_of('study/report.py')}: {printable(str(error))}", file=sys.stderr)
        return 2
    except StorageError as error:
        print(f"{name_of('study/report.py')}: {printable(str(error))}", file=sys.stderr)
        return 1
    files = _write(record, folder)
    print(files[0])
    return _rebuild(record, folder, uri, files) if given.rebuild_mlflow else 0


def _write(record: StudyRecord, folder: StudyFolder) -> list[Path]:
    from study.analysis.recorded_space import space_of
    from study.analysis.results import results_of
    from study.commands import model_folder
    from study.reporting.write_report import write
    from study.search.importance import importances

    results = results_of(record)
    try:
        model_folder.complete(results, folder)
    except DamageError as error:
        print(f"{name_of('study/report.py')}: {printable(str(error))}", file=sys.stderr)
    return write(results, folder, importances(results, space_of(record)))


def _together(given: Namespace, storage: Path) -> None:
    from study.commands import together

    if given.rebuild_mlflow:
        raise ValueError("--rebuild-mlflow goes with one NAME, got --together")
    found = together.gathered(given.names, storage, given.cells, given.smallest)
    together.report(found, storage, given.out)


def _require_alone(given: Namespace) -> None:
    """Raise a ValueError if what only ``--together`` knows is given without it."""
    if len(given.names) > 1:
        raise ValueError(f"NAME must be one without --together, got {' '.join(given.names)}")
    for option in ("cells", "smallest", "out"):
        if getattr(given, option) is not None:
            raise ValueError(f"--{option} goes with --together, got it without")


def _require_mlflow(uri: str) -> None:
    """Raise a ValueError if nothing can be written at this URI."""
    for check in tracking_checks(uri):
        if check.verdict == "fail":
            raise ValueError(f"{check.name}: {check.found}; {check.remedy}")


def _rebuild(record: StudyRecord, folder: StudyFolder, uri: str, files: list[Path]) -> int:
    from study.tracking.sink import MlflowSink

    def artifacts(trial: TrialRecord) -> list[Path]:
        counts = folder.counts(trial.number, "val")
        pictures = sorted(folder.pictures(trial.number).glob("*.png"))
        return [*pictures, *([counts] if counts.exists() else [])]

    sink = MlflowSink(uri, record, artifacts)
    model, damage = _model(folder)
    complaint = sink.close(files, model, patience_s=3600)
    print(complaint or f"{counted(len(record.trials), 'run')} in {without_passwords(uri)}")
    if damage:
        print(
            f"{name_of('study/report.py')}: the model is not registered: {damage}", file=sys.stderr
        )
    return 1 if complaint or damage else 0


def _model(folder: StudyFolder) -> tuple[Path | None, str]:
    """The folder of the saved network, if its files are as they were saved, else why not."""
    if not folder.model.exists():
        return None, ""
    from trainables import saved

    try:
        saved.read_files(folder.model)
    except DamageError as error:
        return None, str(error)
    return folder.model, ""
