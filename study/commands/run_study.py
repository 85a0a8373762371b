"""The end of a study, or of one of its runs: report, MLflow, and what a person is told."""

import sys
from pathlib import Path

from rich.console import Console

from search_spaces import Space
from study.execution.execute import _run
from study.execution.stopping import INTERRUPTED, STOPPED, Faults, Policy, Stop
from study.ledger import study_folder
from study.ledger.ledger import FILE, Ledger, StorageError, read
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import checkpoint_of, load_record
from study.planning import budget
from study.planning.request import resume_command
from study.reporting import write_report
from study.reporting.pictures.pictures import TrialArtifacts
from study.reporting.sections import reruns
from study.reporting.terminal import plan_and_result
from study.search.importance import importances
from study.tracking.sink import MlflowSink
from trainables import saved
from trainables.config import from_flat
from trainables.data import DataError, Dataset
from trainables.training import checkpoint


def finish(
    plan: Plan, space: Space, ledger: Ledger, sink: MlflowSink, console: Console, reason: str
) -> None:
    """Write the report, end MLflow's run, and tell the person where everything is."""
    record = ledger.record
    if not record.plan:
        return
    model = None
    try:
        files = write_report.write(record, plan.folder)
        searched = plan.storage / (reruns.origin(record) or plan.study)
        if searched != plan.folder and (searched / FILE).exists():
            write_report.write(
                load_record(searched), searched
            )  # it shows both figures of its winner
        model = _model(plan, record) if record.ended else None
    except Exception as error:  # of the ledger's projections none may keep the rest from its end
        files = []
        reason = reason or f"the report cannot be written: {type(error).__name__}: {error}"
    complaint = sink.close(files, model)
    if files and not complaint:
        study_folder.clear_outdated(plan.folder)
    show_result(plan, space, record, console)
    if complaint:
        console.print(
            f"{complaint}; write them with: python study/report.py {plan.study} --rebuild-mlflow",
            highlight=False,
        )
    if reason:
        print(f"study/run.py: stopped: {reason}", file=sys.stderr)
    if not record.ended:
        what, more = record.state, ""
        if record.budget_spent is not None:
            what = budget.stated(record)
            more = "".join(f" {budget.flag(kind)} MORE" for kind in plan.budget)
        resume = resume_command(plan.study, plan.storage, plan.tracking_uri)
        console.print(f"\n{what}; to go on: {resume}{more}", highlight=False, markup=False)


def _model(plan: Plan, record: StudyRecord) -> Path | None:
    """The champion's network as files beside the ledger; None where its checkpoint is gone."""
    folder, champion = plan.folder / "model", record.champion()
    found = checkpoint_of(plan, champion) if champion else None
    if champion is None or found is None:
        return None
    saved.save(folder, from_flat(champion.config), record.plan["data"]["classes"], found.state())
    return folder


def show_result(plan: Plan, space: Space, record: StudyRecord, console: Console) -> None:
    """The ranking, the importance, and where everything is."""
    state = next(iter(_best_state(plan, record)), None)
    plan_and_result.print_result(console, plan, record, importances(record, space), state)


def _best_state(plan: Plan, record: StudyRecord) -> list[Path]:
    """The best trial's training state, if it has one."""
    best = record.best()
    found = checkpoint_of(plan, best) if best else None
    return [found.folder / checkpoint.STATE] if found else []


def execute(
    plan: Plan, space: Space, dataset: Dataset, ledger: Ledger, console: Console, policy: Policy
) -> int:
    """Run what is left of a study. The exit code: 0 once it or its budget has ended, else how it
    was cut off."""
    stop = Stop()
    history = read(ledger.path)[0] if ledger.path.exists() else []
    sink = MlflowSink(plan.tracking_uri, history, TrialArtifacts(plan, dataset))
    ledger.listeners.append(sink)
    try:
        _run(plan, space, dataset, ledger, console, Faults(policy, stop))
    except KeyboardInterrupt:
        pass  # what is known is written, and the study goes on another time
    except (StorageError, DataError) as error:
        stop.reason = str(getattr(error, "cause", error))
    finish(plan, space, ledger, sink, console, stop.reason)
    if ledger.record.ended or ledger.record.budget_spent is not None:
        return 0
    return STOPPED if stop.reason else INTERRUPTED
