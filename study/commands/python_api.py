"""Implements the functions of ``import study``, on the same code as the command.

A user's mistake raises a ValueError with the line that the command would print. Nothing here ends
the process, and signal handlers are set only in the main thread.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import pandas
import ray

from study.analysis.other_network import named
from study.analysis.results import results_of
from study.commands import predict as predict_command
from study.commands import process, start
from study.commands import together as together_command
from study.commands.predict import PredictRequest
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning import runs
from study.planning.make_plan import plan_from_request
from study.planning.plugin import install_from_plan
from study.planning.request import StudyRequest
from study.reporting import table_files, write_together
from study.reporting.terminal.safe_console import SafeConsole
from trainables import plugin
from trainables.config import refused, require

process.name_the_user()

_COMMAND_ONLY = ("resume", "list_names", "check_data", "dry_run", "verbose")
"""Options that are a function or an argument of their own here."""


def make_plan(**options: object) -> Plan:
    """Make a plan from the command's options, by their names with ``_`` for ``-``.

    ``changes`` is ``--set``, as a mapping of paths to values; ``with_parts`` is ``--with``, one
    file or a list; ``factor`` is a list of strings. All others are as on the command line:
    ``space="region"``, ``grid="table1"``, ``seeds=6``, ``trials=10``, ``name="mine"``.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    request = _request(options)
    start.install_requested(request)
    with ExitStack() as stack:
        nodes = start.enter(stack, verbose=False)
        plan = runs.place(plan_from_request(request, nodes), nodes, request.lanes)
    StudyFolder.of(plan).require_new()
    return plan


def run_plan(plan: Plan, *, verbose: bool = False) -> pandas.DataFrame:
    """Run a plan to its end, on the cluster of ``RAY_ADDRESS`` or on one that it starts and ends.

    Raises:
        ValueError: the data or the storage is not as the plan needs it, a study of this name
            exists, or this process has started Ray already.
    """
    StudyFolder.of(plan).require_new()
    return _run(plan, StudyRecord(), verbose)


def resume(name: str, *, verbose: bool = False, **where: object) -> pandas.DataFrame:
    """Resume an interrupted study; ``where`` may hold ``storage``, ``lanes``, ``tracking_uri`` and
    the budgets. If the study has ended, only return its results."""
    plan, record = start.resumed(_request(where, resume=name))
    done = record.ended and not StudyFolder.of(plan).is_outdated()
    return results(name, plan.storage) if done else _run(plan, record, verbose)


def results(name: str, storage: Path | str | None = None) -> pandas.DataFrame:
    """One row per trial, by number: state, cell and seed, its parameters, the metrics of the last
    epoch and (``test_...``) of the test list, as fractions.

    Raises:
        ValueError: there is no such study, or its ledger cannot be read.
    """
    folder = StudyFolder(_request({"storage": storage}).storage_folder() / name)
    folder.require_known("results")
    return frame(folder.load())


def verdict(name: str, storage: Path | str | None = None) -> pandas.DataFrame:
    """One row per cell and metric of the study's comparison, as in ``report/table.csv``: mean,
    delta from the baseline with its interval, p-values, verdict; empty without a comparison.

    Raises:
        ValueError: there is no such study, or its ledger cannot be read.
    """
    folder = StudyFolder(_request({"storage": storage}).storage_folder() / name)
    folder.require_known("verdict")
    compared = results_of(folder.load()).comparison
    return table_files.frame(compared) if compared is not None else pandas.DataFrame()


def together(
    *names: str,
    storage: Path | str | None = None,
    cells: str | None = None,
    smallest: float | None = None,
) -> pandas.DataFrame:
    """Comparisons of different datasets in one model: a row per cell and study, and one per cell
    over all, with the probability that it is better on a new dataset.

    Args:
        names: of the studies.
        storage: the folder of studies.
        cells: those to pool, separated by commas; None: all.
        smallest: as ``study/report.py --smallest``.

    Raises:
        ValueError: one line; they do not answer the same question, or one is not there.
    """
    home = _request({"storage": storage}).storage_folder()
    return write_together.frame(together_command.gathered(names, home, cells, smallest))


def predict(network: str, folder: Path | str = "", **options: object) -> list[Path]:
    """Write label maps of images with the network ``NAME`` or ``NAME/NUMBER``; return their paths.

    Args:
        network: the study, or one of its trials.
        folder: of images; "" for ``list_name``, a list of the study's dataset.
        options: ``out``, the folder for the maps, and the command's other options by their names.

    Raises:
        ValueError: one line, as the command prints it.
    """
    known = sorted({field.name for field in fields(PredictRequest)} - {"network", "folder"})
    for name in options:
        if name not in known:
            raise refused("options", f"among {', '.join(known)}", name)
    require("out" in options, "out", "the folder for the label maps", "nothing")
    for name in ("out", "storage"):
        if options.get(name) is not None:
            options[name] = Path(str(options[name]))
    images = Path(folder) if folder else None
    return predict_command.predict(
        PredictRequest(network=network, folder=images, **options)  # type: ignore[arg-type]
    )


def frame(record: StudyRecord) -> pandas.DataFrame:
    """A study's trials as a table; a column is absent where no trial has it."""
    rows = [
        {
            "trial": trial.number,
            "state": trial.state,
            "cell": trial.cell or None,
            "seed": trial.seed,
            "phase": trial.phase or None,
            "epochs": trial.last_epoch,
            "seconds": trial.seconds,
            **trial.params,
            **trial.metrics,
            **(trial.tested or {}),
            **named(trial.other.metrics if trial.other else {}, trial.config),
            "untested": trial.untested or None,
            "failure": trial.failure.message if trial.failure else None,
        }
        for trial in record.trials.values()
    ]
    table = pandas.DataFrame(rows).dropna(axis="columns", how="all")
    return table.set_index("trial").sort_index() if rows else table


def _request(options: Mapping[str, object], resume: str | None = None) -> StudyRequest:
    """The command's request with these options instead of their defaults."""
    known = sorted({field.name for field in fields(StudyRequest)} - {*_COMMAND_ONLY})
    given = dict(options)
    for name in given:
        if name not in known:
            raise refused("options", f"among {', '.join(known)}", name)
    if isinstance(changes := given.get("changes"), Mapping):
        given["changes"] = [f"{path}={change}" for path, change in changes.items()]
    if isinstance(file := given.get("with_parts"), str):
        given["with_parts"] = [file]
    if given.get("storage") is not None:
        given["storage"] = Path(str(given["storage"]))
    return StudyRequest(**given, resume=resume)  # type: ignore[arg-type]


def _run(plan: Plan, record: StudyRecord, verbose: bool) -> pandas.DataFrame:
    # Ray reads the study's settings only at its start, and the study's end shuts Ray down.
    if ray.is_initialized():
        raise ValueError(
            "ray must not be started yet in this process: a study starts it and ends it, or "
            "attaches to RAY_ADDRESS; call ray.shutdown() first"
        )
    # An earlier plan of this process may have left another plug-in.
    plugin.uninstall()
    install_from_plan(plan, "run_plan")
    with ExitStack() as stack:
        nodes = start.enter(stack, verbose)
        if not record.ended:
            plan = runs.place(plan, nodes, plan.most_lanes)
        study = start.PlannedStudy(plan, record, SafeConsole(), stack)
        study.check_and_run(dry_run=False, verbose=verbose)
    return results(plan.study, plan.storage)
