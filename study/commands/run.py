"""Run a study: `python study/run.py --space inverseform`. See --help and --list."""

import argparse
import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from rich.console import Console

from cluster import session
from cluster.resources import Node
from search_spaces import SPACES
from study.commands import listing, options
from study.commands.check_data import check
from study.execution import preflight
from study.execution.stopping import INTERRUPTED, Interrupts, Policy, policy_of
from study.ledger import study_folder
from study.ledger.ledger import FILE, Ledger
from study.ledger.plan import Plan, plan_from_event
from study.ledger.record import FINAL, StudyRecord
from study.ledger.study_folder import check_name, load_record, lock
from study.planning import budget, make_plan, request, runs
from study.planning.plugin import install_all, read_plugin
from study.planning.prior_studies import replay, warm_start
from study.planning.runs import check_images, check_stages, needed_stages, slowest
from study.reporting.terminal import plan_and_result
from study.search import reuse
from trainables import plugin
from trainables.data import Dataset, load

_STORE_BYTES = 512 * 2**20
_NO_LIMITS = Policy()
_WIDTH = 140
"""Columns where there is no terminal to ask: a job's log, a file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, or as much as the budget allows; 2 refused before anything started; 1
    stopped by a fault, 130 ended by the person, both resumable."""
    _quiet()
    given = options.parse_arguments(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    try:
        plugin.uninstall()
        if given.with_parts:
            install_all(read_plugin(given.with_parts))
        if given.list:
            listing.print_list(console)
            return 0
        if given.check_data:
            return 0 if check(request.data_config(given), console) else 2
        with ExitStack() as stack:
            return _study(given, console, stack)
    except ValueError as error:
        print(f"study/run.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "study/run.py: interrupted; --resume NAME goes on with a study that had begun",
            file=sys.stderr,
        )
        return INTERRUPTED


def _quiet() -> None:
    """Only our own warnings reach the terminal; lines reach a file or a job's log at once."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    for name in ("ray", "mlflow", "alembic", "optuna", "huggingface_hub", "timm"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _study(given: argparse.Namespace, console: Console, stack: ExitStack) -> int:
    """Plan, then check, show and run. Raises ValueError for what a user can mend."""
    policy = policy_of(given.max_failures, given.on_oom, given.lane_wait)
    nodes = enter(stack, given.verbose)
    if given.resume:
        plan, record = resumed(given)
    else:
        plan, record = make_plan.plan_from_request(given, nodes), StudyRecord()
        study_folder.require_new(plan.folder)
    if not record.ended:
        plan = runs.place(plan, nodes, given.lanes)
    return run_plan(
        plan, record, console, stack, dry_run=given.dry_run, verbose=given.verbose, policy=policy
    )


def enter(stack: ExitStack, verbose: bool) -> list[Node]:
    """Attach to the cluster that was named, if one was; the machines that a study may use."""
    if not session.attached():
        return [session.local_node()]
    stack.enter_context(session.ray_session(_STORE_BYTES, verbose))
    return session.cluster_nodes()


def run_plan(
    plan: Plan,
    record: StudyRecord,
    console: Console,
    stack: ExitStack,
    *,
    dry_run: bool,
    verbose: bool,
    policy: Policy = _NO_LIMITS,
) -> int:
    """Check the data, show what will run, and run it; the exit code."""
    study_folder.prove_writable(plan.storage)
    if record.ended and not study_folder.is_outdated(plan.folder):
        return _show_again(console, plan, record)
    check_images(plan)
    dataset = load(plan.base.data)
    _require_same_data(plan, record, dataset)
    check_stages(plan, SPACES[plan.space], dataset)
    taken = reuse.reusable_runs(plan, dataset.digest, record)
    _show(console, plan, record, dataset, plan.trials - len(record.in_state(*FINAL)) - len(taken))
    if taken:
        studies = ", ".join(dict.fromkeys(done.study for _, done in taken))
        console.print(
            f"{len(taken)} trials are not run again but taken from {studies}; --fresh "
            f"runs them anyway",
            highlight=False,
        )
    preflight.require_fit(plan, dataset, console, dry_run)
    return 0 if dry_run else _run(plan, dataset, console, stack, policy, verbose)


def _run(
    plan: Plan, dataset: Dataset, console: Console, stack: ExitStack, policy: Policy, verbose: bool
) -> int:
    """Take the study, start Ray unless it is there, and run what is left."""
    stack.callback(lock(plan.folder).release)
    ledger = Ledger(plan.folder / FILE)
    stack.callback(ledger.close)

    from study.commands.run_study import execute

    if not session.attached():
        images = dataset.splits.values()
        needed = sum(part.images_NHWC.nbytes + part.labels_NHW.nbytes for part in images)
        stack.enter_context(session.ray_session(_STORE_BYTES + 2 * needed, verbose))
    if threading.current_thread() is threading.main_thread():  # after Ray, which takes SIGTERM
        resume = request.resume_command(plan.study, plan.storage, plan.tracking_uri)
        stack.enter_context(Interrupts(resume))
    return execute(plan, SPACES[plan.space], dataset, ledger, console, policy)


def resumed(given: argparse.Namespace) -> tuple[Plan, StudyRecord]:
    """The plan that the ledger holds; only where it runs may be given anew."""
    request.require_only_places(given)
    check_name(given.resume, "--resume")
    folder = request.storage_of(given) / given.resume
    study_folder.require_known("--resume", folder)
    record = load_record(folder)
    uri = request.tracking_uri_of(given)
    plan = plan_from_event(record.plan, folder.parent, uri, given.lanes)
    if record.ended:
        return plan, record
    limits = budget.parse(vars(given), budget.gpus(record.plan))
    return replace(plan, budget=budget.renewed(record, limits)), record


def _show_again(console: Console, plan: Plan, record: StudyRecord) -> int:
    """A study that has ended has nothing left to run."""
    from study.commands.run_study import show_result

    show_result(plan, SPACES[plan.space], record, console)
    return 0


def _require_same_data(plan: Plan, record: StudyRecord, dataset: Dataset) -> None:
    flag, was = (
        ("--resume", record.plan["data"]["digest"])
        if record.plan
        else ("--replay", plan.replay.get("digest", dataset.digest))
    )
    if was != dataset.digest:
        raise ValueError(f"{flag} needs the data it began with: digest {was}, got {dataset.digest}")


def _show(console: Console, plan: Plan, record: StudyRecord, dataset: Dataset, left: int) -> None:
    from study.planning.forecast import forecast, study_seconds

    space = SPACES[plan.space]
    stages = min(len(needed_stages(plan, space)), left)
    epoch_s, trouble = forecast(slowest(plan, space), dataset, int(plan.cpus_per_worker))
    forecast_s = study_seconds(plan, epoch_s, stages, left)
    more = {"forecast": trouble} if trouble else {}
    if plan.warm_start:
        more["warm start"] = warm_start.described(plan.warm_start, dataset.digest)
    if plan.replay:
        more["replays"] = replay.described(plan.replay)
    if plan.grid is None and (found := reuse.possible_reuse(plan, space, dataset.digest)):
        studies = ", ".join(dict.fromkeys(one.study for one in found))
        more["known"] = (
            f"{len(found)} trials of {studies}: a draw equal to one is not run but "
            f"taken from there; --fresh runs it anyway"
        )
    if plan.budget:
        more["budget"] = budget.planned(plan.budget, record, forecast_s)
    # Said beforehand: a driver that is killed, or whose raylet is, ends without a word.
    more["if cut off"] = request.resume_command(plan.study, plan.storage, plan.tracking_uri)
    plan_and_result.print_plan(
        console,
        plan,
        space,
        dataset,
        forecast_s=forecast_s,
        epoch_s=epoch_s,
        stages=stages,
        left=left,
        more=more,
    )
