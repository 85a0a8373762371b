"""Studies from Python: what ``study/__init__.py`` offers. The command runs through the same code.

Mistakes are ValueErrors with the command's own line; nothing here ends the process or, outside of
the main thread, touches its signals.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas
import ray
from rich.console import Console

from study.commands import options, run
from study.ledger import study_folder
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import load_record
from study.planning import request, runs
from study.planning.make_plan import plan_from_request
from study.planning.plugin import install_all, read_plugin
from trainables import plugin

_NOT_OURS = ("resume", "list", "check_data", "dry_run", "verbose")


def make_plan(**asked: Any) -> Plan:
    """A plan from the command's options, by their names with ``_`` for ``-``.

    ``changes`` is ``--set``, as a mapping of paths to values; ``with_parts`` is ``--with``;
    ``factor`` is a list of texts. The rest is as on the command line: ``space="region"``,
    ``grid="table1"``, ``seeds=6``, ``trials=10``, ``name="mine"``.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    given = _options(asked)
    plugin.uninstall()
    if given.with_parts:
        install_all(read_plugin(given.with_parts))
    with ExitStack() as stack:
        nodes = run.enter(stack, verbose=False)
        plan = runs.place(plan_from_request(given, nodes), nodes, given.lanes)
    study_folder.require_new(plan.folder)
    return plan


def run_plan(plan: Plan, *, verbose: bool = False) -> pandas.DataFrame:
    """Run a plan to its end, on the cluster of ``RAY_ADDRESS`` or on one that it starts and ends.

    Raises:
        ValueError: the data or the storage is not as the plan needs it, or there is a study of
            this name, or Ray was started by somebody else in this process.
    """
    study_folder.require_new(plan.folder)
    return _run(plan, StudyRecord(), verbose)


def resume(name: str, *, verbose: bool = False, **where: Any) -> pandas.DataFrame:
    """Go on with a study that was cut off; ``where`` may hold ``storage``, ``lanes``,
    ``tracking_uri`` and the budgets. One that has ended only gives its results."""
    given = _options(where)
    given.resume = name
    plan, record = run.resumed(given)
    told = record.ended and not study_folder.is_outdated(plan.folder)
    return results(name, plan.storage) if told else _run(plan, record, verbose)


def results(name: str, storage: Path | str | None = None) -> pandas.DataFrame:
    """One row a trial, by number: state, cell and seed, what was chosen, the metrics of the last
    epoch and (``test_...``) of the test list, as fractions.

    Raises:
        ValueError: there is no such study, or its ledger cannot be read.
    """
    given = _options({"storage": storage})
    folder = request.storage_of(given) / name
    study_folder.require_known("results", folder)
    return frame(load_record(folder))


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
            "failure": trial.failure["message"] if trial.failure else None,
        }
        for trial in record.trials.values()
    ]
    table = pandas.DataFrame(rows).dropna(axis="columns", how="all")
    return table.set_index("trial").sort_index() if rows else table


def _options(asked: dict[str, Any]) -> argparse.Namespace:
    """The command's options with these instead of their defaults."""
    given = options.parse_arguments([])
    known = sorted(name for name in vars(given) if name not in _NOT_OURS)
    for name, value in asked.items():
        if name not in known:
            raise ValueError(f"options must be among {', '.join(known)}, got {name!r}")
        if name == "changes":
            value = [f"{path}={change}" for path, change in value.items()]
        if name == "storage" and value is not None:
            value = Path(value)
        setattr(given, name, value)
    return given


def _run(plan: Plan, record: StudyRecord, verbose: bool) -> pandas.DataFrame:
    if ray.is_initialized():
        raise ValueError(
            "ray must not be started yet in this process: a study starts it and ends it, or "
            "attaches to RAY_ADDRESS; ray.shutdown() ends what there is"
        )
    plugin.uninstall()
    if plan.parts is not None:
        install_all(plan.parts)
    with ExitStack() as stack:
        nodes = run.enter(stack, verbose)
        if not record.ended:
            plan = runs.place(plan, nodes, plan.most_lanes)
        run.run_plan(plan, record, Console(), stack, dry_run=False, verbose=verbose)
    return results(plan.study, plan.storage)
