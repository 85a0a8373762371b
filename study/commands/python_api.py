"""Implements the functions of ``import study``, on the same code as the command.

A user's mistake raises a ValueError with the line that the command would print. Nothing here ends
the process, and signal handlers are set only in the main thread.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pandas
import ray

from study.analysis import refinements
from study.analysis.other_network import named
from study.analysis.results import results_of
from study.commands import export as export_command
from study.commands import predict as predict_command
from study.commands import process, start
from study.commands import together as together_command
from study.commands.python_arguments import (
    export_request,
    named_as_in_python,
    predict_request,
    study_request,
)
from study.execution.stopping import Policy, policy_of
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning import runs
from study.planning.make_plan import plan_from_request
from study.planning.plugin import install_from_plan
from study.reporting import table_files, write_together
from study.reporting.terminal.safe_console import SafeConsole
from trainables import plugin

process.name_the_user()


@named_as_in_python()
def make_plan(options: Mapping[str, object]) -> Plan:
    """The plan of these arguments of ``study.plan``; see there.

    Raises:
        ValueError: one line that names the argument, what is allowed and what it got.
    """
    request = study_request(options)
    start.install_requested(request)
    with ExitStack() as stack:
        nodes = start.enter(stack, verbose=False)
        plan = runs.place(plan_from_request(request, nodes), nodes, request.lanes)
    StudyFolder.of(plan).require_new()
    return plan


@named_as_in_python()
def check_plan(plan: Plan) -> None:
    """Check a plan against the data and this machine, as ``--dry-run`` does, and print it.

    Raises:
        ValueError: the data, the storage or the machine is not as the plan needs it.
    """
    _prepare(plan)
    with ExitStack() as stack:
        start.enter(stack, verbose=False)
        study = start.PlannedStudy(plan, StudyRecord(), SafeConsole(), stack)
        study.check_and_run(dry_run=True, verbose=False)


@named_as_in_python()
def run_plan(
    plan: Plan, policy: Mapping[str, object], *, verbose: bool = False
) -> pandas.DataFrame:
    """Run a plan to its end, on the cluster of ``RAY_ADDRESS`` or on one that it starts and ends.

    Raises:
        ValueError: the data or the storage is not as the plan needs it, a study of this name
            exists, or this process has started Ray already.
    """
    StudyFolder.of(plan).require_new()
    return _run(plan, StudyRecord(), policy_of(study_request(policy)), verbose)


@named_as_in_python()
def resume(name: str, where: Mapping[str, object], *, verbose: bool = False) -> pandas.DataFrame:
    """Resume an interrupted study. If it has ended, only return its results."""
    request = study_request(where, resume=name)
    plan, record = start.resumed(request)
    done = record.ended and not StudyFolder.of(plan).is_outdated()
    if done:
        return frame(record)
    return _run(plan, record, policy_of(request), verbose)


@named_as_in_python()
def results(name: str, storage: Path | str | None = None) -> pandas.DataFrame:
    """One row per trial, by number: state, cell and seed, its parameters, the metrics of the last
    epoch and (``test_...``) of the test list, as fractions.

    Raises:
        ValueError: there is no such study, or its ledger cannot be read.
    """
    return frame(_known(name, storage, "results").load())


@named_as_in_python()
def verdict(name: str, storage: Path | str | None = None) -> pandas.DataFrame:
    """One row per cell and metric of the study's comparison, as in ``report/table.csv``: mean,
    delta from the baseline with its interval, p-values, verdict; empty without a comparison.

    Raises:
        ValueError: there is no such study, or its ledger cannot be read.
    """
    compared = results_of(_known(name, storage, "verdict").load()).comparison
    if compared is None:
        return pandas.DataFrame()
    return table_files.frame(compared).infer_objects()


@named_as_in_python()
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
    home = study_request({"storage": storage}).storage_folder()
    return write_together.frame(together_command.gathered(names, home, cells, smallest))


@named_as_in_python()
def predict(options: Mapping[str, object]) -> list[Path]:
    """Write label maps, by these arguments of ``study.predict``; return their paths.

    Raises:
        ValueError: one line, as the command prints it.
    """
    return predict_command.predict(predict_request(options))


@named_as_in_python()
def export(options: Mapping[str, object]) -> Path:
    """Write a network's file, by these arguments of ``study.export``; return its path.

    Raises:
        ValueError: one line, as the command prints it.
    """
    return export_command.export(export_request(options))


def frame(record: StudyRecord) -> pandas.DataFrame:
    """A study's trials as a table; a column is absent where no trial has it."""
    rows = [
        {
            "trial": trial.number,
            "state": trial.state,
            "cell": trial.cell or None,
            "seed": trial.seed,
            "fold": trial.fold or None,
            "phase": trial.phase or None,
            "epochs": trial.last_epoch,
            "seconds": trial.seconds,
            **trial.params,
            **trial.metrics,
            **(trial.tested or {}),
            **named(trial.other.metrics if trial.other else {}, trial.config),
            **refinements.figures(record, trial),
            "untested": trial.untested or None,
            "failure": trial.failure.message if trial.failure else None,
        }
        for trial in record.trials.values()
    ]
    table = pandas.DataFrame(rows).dropna(axis="columns", how="all")
    return table.set_index("trial").sort_index() if rows else table


def _known(name: str, storage: Path | str | None, who: str) -> StudyFolder:
    folder = StudyFolder(study_request({"storage": storage}).storage_folder() / name)
    folder.require_known(who)
    return folder


def _prepare(plan: Plan) -> None:
    # An earlier plan of this process may have left another plug-in.
    plugin.uninstall()
    install_from_plan(plan, "run_plan")


def _run(plan: Plan, record: StudyRecord, policy: Policy, verbose: bool) -> pandas.DataFrame:
    # Ray reads the study's settings only at its start, and the study's end shuts Ray down.
    if ray.is_initialized():
        raise ValueError(
            "ray must not be started yet in this process: a study starts it and ends it, or "
            "attaches to RAY_ADDRESS; call ray.shutdown() first"
        )
    _prepare(plan)
    with ExitStack() as stack:
        nodes = start.enter(stack, verbose)
        if not record.ended:
            plan = runs.place(plan, nodes, plan.most_lanes)
        study = start.PlannedStudy(plan, record, SafeConsole(), stack)
        study.check_and_run(policy, dry_run=False, verbose=verbose)
    return results(plan.study, plan.storage)
