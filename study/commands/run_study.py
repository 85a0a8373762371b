"""Runs a study: its trials with live progress, then gallery, report, MLflow and the model."""

import sys
import traceback
from pathlib import Path

from rich.console import Console

from search_spaces import Space
from study.analysis.one_class import one_class_alone
from study.analysis.ranking import no_result
from study.analysis.results import AblationResults, SearchResults, results_of
from study.execution.execute import Execution
from study.execution.stopping import INTERRUPTED, STOPPED, Faults, Policy, Stop, storage_fault
from study.ledger.ledger import Ledger, LedgerError, StorageError
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning import budget
from study.planning.request import resume_command
from study.reporting import write_report
from study.reporting.pictures import gallery
from study.reporting.pictures.pictures import TrialArtifacts
from study.reporting.sections import reruns
from study.reporting.terminal import plan_and_result
from study.reporting.terminal.progress import LiveProgress
from study.search.importance import importances
from study.tracking.sink import MlflowSink
from trainables import saved
from trainables.config import from_flat
from trainables.data import DataError, Dataset
from trainables.training import checkpoint


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
            The exit code: 0 if the study ended with a result or its budget is spent, and its ledger
            is in its place; 1 if it ended without a result; else how it was stopped.
        """
        record, stop = self._ledger.record, Stop()
        # Each listener follows a copy of its own: MLflow's is read in another thread.
        sink = MlflowSink(
            self._plan.tracking_uri, record.copy(), TrialArtifacts(self._folder, self._dataset)
        )
        progress = LiveProgress(self._console, record.copy(), self._folder.stages)
        self._ledger.listeners += [sink, progress]
        try:
            faults = Faults(policy, stop)
            execution = Execution(self._plan, self._space, self._dataset, self._ledger, faults)
            with progress:
                execution.run()
            self._draw_gallery(execution)
        except KeyboardInterrupt:
            pass  # the ledger has every event so far, so the study can be resumed
        except (StorageError, DataError) as error:
            stop.reason = str(getattr(error, "cause", error))
        except Exception as error:  # Ray's, or a fault here: MLflow and the report still end
            fault = storage_fault(error)
            if not fault:
                traceback.print_exc()
            stop.reason = fault or f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if self._ledger.lost():  # a report would be written into another folder
            sink.close([], None)
        elif record.planned is not None:
            self._finish(sink, stop.reason)
        if lost := self._ledger.lost():
            self._print_lost(lost)
            return STOPPED
        if record.ended:
            return exit_code(record)
        if record.budget_spent is not None:
            return 0
        return STOPPED if stop.reason else INTERRUPTED

    def _print_lost(self, lost: str) -> None:
        plan = self._plan
        resume = resume_command(plan.study, plan.storage, plan.tracking_uri)
        print(f"study/run.py: stopped: {lost}: {resume}", file=sys.stderr)

    def _draw_gallery(self, execution: Execution) -> None:
        """Draw the worst test images once, after the finalists have been measured."""
        record = self._ledger.record
        if not record.ended and record.budget_spent is None:
            return
        candidates, folder = gallery.shown(results_of(record)), self._folder.test_pictures
        trials = [trial for trial in candidates if self._folder.checkpoint_of(trial) is not None]
        rows = gallery.worst_images(self._folder, trials)
        if rows and not folder.exists():
            seen, affinity = execution.look(trials, rows), gallery.trained_affinity(trials)
            gallery.draw(seen, rows, self._dataset, folder, affinity=affinity)

    def _finish(self, sink: MlflowSink, reason: str) -> None:
        """Write the report and the model, end MLflow's run, and print the result."""
        record = self._ledger.record
        results = results_of(record)
        importance = importances(results, self._space)
        model, files = None, list[Path]()
        try:
            files = write_report.write(results, self._folder, importance)
            _write_origin(record, self._folder)
            model = _save_model(results, self._folder) if record.ended else None
        except Exception as error:  # a failed report must not keep MLflow's runs open
            files = []
            reason = reason or f"the report cannot be written: {type(error).__name__}: {error}"
        complaint = sink.close(files, model)
        if files and not complaint:
            # Only now: until report and MLflow are complete, a resume writes them again.
            self._folder.clear_outdated()
        show_result(self._plan, results, importance, self._console)
        self._print_next_steps(complaint, reason)

    def _print_next_steps(self, complaint: str, reason: str) -> None:
        plan, record, console = self._plan, self._ledger.record, self._console
        if complaint:
            rebuild = f"python study/report.py {plan.study} --rebuild-mlflow"
            console.print(f"{complaint}; write them with: {rebuild}", highlight=False)
        if reason:
            print(f"study/run.py: stopped: {reason}", file=sys.stderr)
        if not record.ended:
            state, options = record.state, ""
            if record.budget_spent is not None:
                state = budget.stated(record)
                options = "".join(f" {budget.flag(kind)} MORE" for kind in plan.budget)
            resume = resume_command(plan.study, plan.storage, plan.tracking_uri)
            console.print(f"\n{state}; to resume: {resume}{options}", highlight=False, markup=False)


def exit_code(record: StudyRecord) -> int:
    """The exit code of an ended study: a fault, which is printed, if it has no result."""
    if why := no_result(record):
        print(f"study/run.py: {why}", file=sys.stderr)
    return STOPPED if why else 0


def _write_origin(record: StudyRecord, folder: StudyFolder) -> None:
    """Rewrite the report of the search whose winner this study ran again: it has both figures."""
    origin = StudyFolder(folder.storage / (reruns.origin(record) or folder.name))
    if origin == folder:
        return
    try:
        results = results_of(origin.load())
    except (LedgerError, FileNotFoundError):
        return  # deleted, or damaged: this study's report does not need it
    space = results.record.plan.known_space()
    write_report.write(results, origin, importances(results, space))


def _save_model(results: SearchResults | AblationResults, folder: StudyFolder) -> Path | None:
    """Save the champion's network beside the ledger; None if its checkpoint is gone."""
    champion = results.champion
    trained = folder.checkpoint_of(champion) if champion else None
    if champion is None or trained is None:
        return None
    classes = results.record.data.classes
    saved.save(folder.model, from_flat(champion.config), classes, trained.state())
    return folder.model


def show_result(
    plan: Plan,
    results: SearchResults | AblationResults,
    importance: dict[str, float],
    console: Console,
) -> None:
    """Print the result and where its files are."""
    winner = StudyFolder.of(plan).checkpoint_of(results.best) if results.best else None
    state = winner.folder / checkpoint.STATE if winner else None
    plan_and_result.print_result(console, plan, results, importance, state)
    if alone := one_class_alone(results.record, StudyFolder.of(plan)):
        console.print(f"warning: {alone}", highlight=False, markup=False)
