"""Runs a study: its trials with live progress, then gallery, report, MLflow and the model."""

import sys
import traceback
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from cluster.safe_text import printable
from search_spaces import Space
from study.analysis import horizon, networks
from study.analysis.lost_classes import lost_classes
from study.analysis.ranking import no_result
from study.analysis.recorded_space import space_of
from study.analysis.results import AblationResults, SearchResults, results_of
from study.commands import last_lines, model_folder, process
from study.execution.execute import Execution
from study.execution.stopping import INTERRUPTED, STOPPED, Faults, Policy, Stop, storage_fault
from study.ledger.errors import LedgerError, StorageError
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.ledger.typed_command import name_of
from study.planning import budget
from study.planning.printed_commands import rebuild_command, resume_command
from study.reporting import write_report
from study.reporting.pictures import gallery
from study.reporting.pictures.trial_artifacts import TrialArtifacts
from study.reporting.sections import reruns
from study.reporting.terminal import plan_and_result
from study.reporting.terminal.progress import LiveProgress
from study.search.importance import importances
from study.tracking.sink import MlflowSink
from trainables.data import DataError, Dataset
from trainables.proof import DamageError


class StudyRun:
    """One attempt at a study, and everything that is derived from its ledger."""

    def __init__(
        self, plan: Plan, space: Space, dataset: Dataset, ledger: Ledger, console: Console
    ) -> None:
        self._plan, self._space, self._dataset = plan, space, dataset
        self._ledger, self._console = ledger, console
        self._folder = StudyFolder.of(plan)

    def run(self, policy: Policy) -> int:
        """Run what is left of the study.

        Returns:
            The exit code: 0 if the study ended, or its budget, with a result that is written, and
            its ledger is in its place; 1 after a fault, or without a result; else ``INTERRUPTED``.
        """
        record = self._ledger.record
        # Each listener follows a copy of its own: MLflow's is read in another thread.
        sink = MlflowSink(
            self._plan.tracking_uri, record.copy(), TrialArtifacts(self._folder, self._dataset)
        )
        reason = self._attempt(sink, policy)
        if self._ledger.lost():  # a report would be written into another folder
            sink.close([], None)
        elif record.planned is not None:
            reason = self._finish(sink, reason)
        if lost := self._ledger.lost():
            self._print_lost(lost)
            return STOPPED
        if reason:  # also after the last event: a fault in the gallery is a fault
            return STOPPED
        if record.ended or record.budget_spent is not None:
            return exit_code(record)
        return INTERRUPTED

    def _attempt(self, sink: MlflowSink, policy: Policy) -> str:
        """Run the trials and draw the gallery.

        Returns:
            The fault that stopped it, in one line; "" if it ran to its end or a signal ended it.
        """
        stop = Stop()
        progress = LiveProgress(self._console, self._ledger.record.copy(), self._folder.stages)
        self._ledger.listeners += [sink, progress]
        # Ray pickles what it runs, and a URI may hold a password.
        plan = replace(self._plan, tracking_uri="")
        faults = Faults(policy, stop)
        try:
            execution = Execution(plan, self._space, self._dataset, self._ledger, faults)
            with progress:
                execution.run()
            self._draw_gallery(execution)
        except KeyboardInterrupt:
            return stop.reason  # the ledger has every event so far, so the study can be resumed
        except (StorageError, DataError) as error:
            return str(getattr(error, "cause", error))
        except Exception as error:  # Ray's, or a fault here: MLflow and the report still end
            fault = storage_fault(error)
            if not fault:
                traceback.print_exc()
            return fault or f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return stop.reason

    def _print_lost(self, lost: str) -> None:
        plan = self._plan
        resume = resume_command(plan.study, plan.storage, plan.tracking_uri)
        print(f"{name_of('study/run.py')}: stopped: {lost}: {resume}", file=sys.stderr)

    def _draw_gallery(self, execution: Execution) -> None:
        """Draw the chosen test images once, after the finalists have been measured."""
        record = self._ledger.record
        if not record.ended and record.budget_spent is None:
            return
        results, folder = results_of(record), self._folder.test_pictures
        shown = [trial for trial in networks.shown(results) if trial.tested is not None]
        trials = [trial for trial in shown if self._has_network(trial)]
        chosen = gallery.choose(self._folder, results, trials)
        if chosen.worst and not folder.exists():
            seen = execution.look(trials, chosen.rows)
            gallery.draw(chosen, seen, self._dataset, folder)

    def _has_network(self, trial: TrialRecord) -> bool:
        """Whether the network that stands for the trial is there and undamaged."""
        try:
            self._folder.measured_checkpoint(trial).state()
        except DamageError:
            return False
        return True

    def _finish(self, sink: MlflowSink, reason: str) -> str:
        """Write the report and the model, end MLflow's run, and print the result.

        Returns:
            The reason to stop, if there was one, else what could not be written; "" without either.
        """
        record = self._ledger.record
        results = results_of(record)
        importance = importances(results, space_of(record))
        model, files = None, list[Path]()
        try:
            # First: the report says how to use it.
            model = self._save_model(results) if record.ended else None
            files = write_report.write(results, self._folder, importance)
            _write_origin(record, self._folder)
        except Exception as error:  # a failed report must not keep MLflow's runs open
            files, model = [], None
            reason = reason or f"the report cannot be written: {type(error).__name__}: {error}"
        complaint = sink.close(files, model)
        if files and not complaint:
            # Only now: until report and MLflow are complete, a resume writes them again.
            self._folder.clear_outdated()
        show_result(self._plan, results, importance, self._console, sink.experiment)
        self._print_next_steps(complaint, reason)
        return reason

    def _save_model(self, results: SearchResults | AblationResults) -> Path | None:
        """Save the champion's network beside the ledger; None if its checkpoint is gone."""
        if lacking := model_folder.save(results, self._folder):
            self._console.print(lacking, highlight=False, markup=False)
        return None if lacking or results.champion is None else self._folder.model

    def _print_next_steps(self, complaint: str, reason: str) -> None:
        plan, record, console = self._plan, self._ledger.record, self._console
        if complaint:
            rebuild = rebuild_command(plan.study, plan.storage, plan.tracking_uri)
            line = f"{complaint}; write them with: {rebuild}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        if reason:
            print(f"{name_of('study/run.py')}: stopped: {printable(reason)}", file=sys.stderr)
        if not record.ended:
            state, options = record.state, ""
            if record.budget_spent is not None:
                state = budget.stated(record)
                options = "".join(f" {budget.flag(kind)} MORE" for kind in plan.budget)
            resume = resume_command(plan.study, plan.storage, plan.tracking_uri, options)
            line = f"\n{state}; to resume: {resume}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def exit_code(record: StudyRecord) -> int:
    """The exit code of a study that ended, or whose budget did: a fault, which is printed, if it
    has no result."""
    if why := no_result(record):
        print(f"{name_of('study/run.py')}: {why}", file=sys.stderr)
    return STOPPED if why else 0


def _write_origin(record: StudyRecord, folder: StudyFolder) -> None:
    """Rewrite the report of the study whose winner or leaders this one ran again: it has both."""
    earlier = reruns.origin(record.plan) or horizon.origin(record.plan) or folder.name
    origin = StudyFolder(folder.storage / earlier)
    if origin == folder:
        return
    try:
        results = results_of(origin.load())
    except (LedgerError, FileNotFoundError):
        return  # deleted, or damaged: this study's report does not need it
    write_report.write(results, origin, importances(results, space_of(results.record)))


def show_result(
    plan: Plan,
    results: SearchResults | AblationResults,
    importance: dict[str, float],
    console: Console,
    experiment: str = "",
) -> None:
    """Print the result and what to do with it; ``experiment`` is MLflow's id, if it is known."""
    places = last_lines.places(plan, results, experiment)
    plan_and_result.print_result(
        console, plan, results, importance, places, process.seconds_since_start()
    )
    if lost := lost_classes(results.record, StudyFolder.of(plan)):
        console.print(f"warning: {lost}", highlight=False, markup=False)
