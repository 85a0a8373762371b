"""Plans a study or resumes one, checks it, prints the plan and runs it."""

import threading
from contextlib import ExitStack
from dataclasses import replace

import psutil
from rich.console import Console

from cluster import session
from cluster.own_cluster import OwnCluster
from cluster.resources import Node
from study.analysis.confirmation import planned_trials
from study.analysis.recorded_space import space_of
from study.analysis.results import results_of
from study.commands import outlook
from study.commands.screen import stop_waiting
from study.execution import preflight
from study.execution.last_word import LastWord
from study.execution.stopping import STOPPED, Interrupts, Policy, policy_of
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.storage import check_name, prove_writable
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import FINAL
from study.planning import (
    budget,
    disk,
    evaluation_checks,
    gpu_defaults,
    refinement_checks,
    runs,
    same_data,
    weights,
)
from study.planning.dependent_runs import DependentRuns
from study.planning.make_plan import plan_from_request
from study.planning.plugin import install_from_plan, install_given
from study.planning.printed_commands import resume_command
from study.planning.request import StudyRequest
from study.reporting.terminal.plan_and_result import print_places, print_plan
from study.search import reuse
from study.search.importance import importances
from trainables import plugin
from trainables.config.words import counted
from trainables.data import Dataset, load

_STORE_BYTES = 512 * 2**20
"""Of Ray's object store, in addition to the dataset."""
_NO_LIMITS = Policy()


def install_requested(request: StudyRequest) -> None:
    """Install the requested plug-in, or none."""
    plugin.uninstall()
    if request.with_parts:
        install_given(request.with_parts)


def start(request: StudyRequest, console: Console, stack: ExitStack) -> int:
    """Plan, check, print and run a study, or resume it. Returns the exit code.

    Raises:
        ValueError: one line about an error that the user can fix.
    """
    policy = policy_of(request)
    nodes = enter(stack, request.verbose)
    if request.resume:
        plan, record = resumed(request)
    else:
        plan, record = plan_from_request(request, nodes), StudyRecord()
        StudyFolder.of(plan).require_new()
    if not record.ended:
        plan = runs.place(plan, nodes, request.lanes)
    study = PlannedStudy(plan, record, console, stack)
    return study.check_and_run(policy, dry_run=request.dry_run, verbose=request.verbose)


def enter(stack: ExitStack, verbose: bool) -> list[Node]:
    """Attach to the cluster of RAY_ADDRESS, if it is set; return the machines for the study."""
    if not session.attached():
        return [session.local_node()]
    stack.enter_context(session.ray_session(_STORE_BYTES, verbose))
    return session.cluster_nodes()


def resumed(request: StudyRequest) -> tuple[Plan, StudyRecord]:
    """The ledger's plan, to run where the request says, and the record of its earlier attempts."""
    assert request.resume is not None
    request.require_places("resume", "the ledger has the plan")
    check_name(request.resume, "--resume")
    folder = StudyFolder(request.storage_folder() / request.resume)
    folder.require_known("--resume")
    record = folder.load()
    install_from_plan(record.plan, "--resume", request.trust)
    plan = replace(
        record.plan,
        storage=folder.storage,
        tracking_uri=request.tracking(),
        lanes=request.lanes or record.plan.lanes,
        most_lanes=request.lanes,
    )
    if record.ended:
        return plan, record
    limits = budget.limits(request, budget.gpus(plan))
    return replace(plan, budget=budget.renewed(record, limits)), record


class PlannedStudy:
    """Checks a plan against the data and the machines, prints it and runs it."""

    def __init__(self, plan: Plan, record: StudyRecord, console: Console, stack: ExitStack) -> None:
        """``record`` is of earlier attempts; ``stack`` closes what this object opens."""
        self._plan, self._record, self._console, self._stack = plan, record, console, stack
        self._space = plan.known_space()
        self._folder = StudyFolder.of(plan)

    def check_and_run(self, policy: Policy = _NO_LIMITS, *, dry_run: bool, verbose: bool) -> int:
        """Check the data, print what will run, and run it. Returns the exit code.

        Raises:
            ValueError: the data, the storage or the machines do not fit the plan.
        """
        plan, record = self._plan, self._record
        # First, since loading the data and timing the model may take minutes.
        prove_writable(plan.storage)
        if record.ended and not self._folder.is_outdated():
            return self._show_again()
        runs.check_images(plan, self._space)
        evaluation_checks.check_evaluation(plan, self._space)
        refinement_checks.check_plan(plan, self._space)
        if not session.attached():  # else other machines run the trials
            memory = psutil.virtual_memory().total
            runs.check_memory(plan.config, plan.workers, memory)
        if record.planned is None:
            weights.check_weights(plan, self._space)
        elif not record.ended:
            weights.require_same_weights("--resume", record.planned.weights)
        load.cache_clear()  # an earlier study of this process may have read other files
        dataset = load(plan.config.data)
        same_data.require_same_data(plan, record, dataset)
        if same_data.is_of_old_digest(record):
            plan = self._plan = replace(plan, fresh=True)
        runs.check_sanity(plan, self._space, dataset)
        evaluation_checks.check_sizes(plan, self._space, dataset)
        refinement_checks.check_images(plan, dataset)
        runs.require_measured(plan, self._space, dataset)
        evaluation_checks.check_films(plan, dataset)
        runs.check_stages(plan, self._space, dataset)
        disk_bytes = self._show(dataset)
        begun = record.planned is not None
        preflight.require_fit(
            plan, dataset, disk_bytes, self._console, dry_run=dry_run, resumed=begun
        )
        return 0 if dry_run else self._run(dataset, policy, verbose)

    def _show_again(self) -> int:
        """Print the result of a study that has nothing left to run."""
        from study.commands.run_study import exit_code, show_result

        results, space = results_of(self._record), space_of(self._record)
        show_result(self._plan, results, importances(results, space), self._console)
        return exit_code(self._record)

    def _show(self, dataset: Dataset) -> int:
        """Print the plan; return how many bytes its checkpoints need."""
        plan, record = self._plan, self._record
        begun = record.planned is not None
        untaught = "" if begun else outlook.try_networks(plan, self._space, dataset)
        reused = reuse.reusable_runs(plan, dataset.digest, record)
        left = planned_trials(record, plan) - len(record.in_state(*FINAL)) - len(reused)
        need = disk.need_of(plan, self._space, dataset, left)
        runs, numbers = DependentRuns(plan, record), [run.number for run, _ in reused]
        more = {"disk": str(need)} | ({"gradients": untaught} if untaught else {})
        more |= gpu_defaults.line(plan)
        if described := runs.described(numbers):
            more["shares"] = f"{described}; --no-sharing runs every epoch"
        shared = sum(runs.shared_of_left(numbers).values())
        expected = outlook.expected(plan, self._space, record, dataset, left, shared, more)
        print_plan(self._console, plan, self._space, dataset, expected)
        if reused:
            studies = ", ".join(dict.fromkeys(earlier.study for _, earlier in reused))
            self._console.print(
                f"{counted(len(reused), 'trial does', 'trials do')} not run again but "
                f"{'is' if len(reused) == 1 else 'are'} reused from {studies}; --fresh runs "
                f"them anyway",
                highlight=False,
            )
        return need.most

    def _started_cluster(self, dataset: Dataset, verbose: bool) -> OwnCluster | None:
        """This study's own cluster; None if it is attached to another one."""
        if session.attached():
            return None
        store_bytes = _STORE_BYTES + 2 * dataset.nbytes
        return self._stack.enter_context(session.ray_session(store_bytes, verbose))

    def _measure_share(self, dataset: Dataset, policy: Policy, verbose: bool) -> OwnCluster | None:
        """Decide how many lanes share a GPU, if that is to be measured: before the ledger, so that
        a config that does not fit leaves nothing behind. Returns the cluster, if it was started."""
        plan = self._plan
        if plan.gpu_share is None or plan.gpu_share.lanes:
            return None
        from study.execution.gpu_probing import with_share

        own = self._started_cluster(dataset, verbose)
        nodes = session.cluster_nodes() if session.attached() else [session.local_node()]
        self._plan = with_share(plan, self._space, dataset, nodes, policy.lane_wait_s)
        print_places(self._console, self._plan)
        return own

    def _run(self, dataset: Dataset, policy: Policy, verbose: bool) -> int:
        """Lock the study, start Ray unless it is there, and run what is left."""
        own = self._measure_share(dataset, policy, verbose)
        # Before the ledger is opened: two processes must never append to one.
        self._stack.callback(self._folder.lock().release)
        ledger = Ledger(self._folder.ledger)
        self._stack.callback(ledger.close)

        # Tune and MLflow take seconds to import, and a refused plan or a dry run needs neither.
        from study.commands.run_study import StudyRun

        own = own or self._started_cluster(dataset, verbose)
        stop_waiting()
        plan = self._plan
        if threading.current_thread() is threading.main_thread():  # after Ray, which takes SIGTERM
            resume = resume_command(plan.study, plan.storage, plan.tracking_uri)
            self._stack.enter_context(LastWord(resume))
            self._stack.enter_context(Interrupts(resume))
        code = StudyRun(plan, self._space, dataset, ledger, self._console).run(policy)
        if own is not None:
            own.keep_logs = code == STOPPED
        return code
