"""The last lines of a study's output: where its results are, how to use them, what to type next."""

import shlex
import sys
from pathlib import Path

from cluster.safe_text import without_passwords
from study.analysis.answer import needs_confirmation
from study.analysis.gpu_hours import gpu_hours
from study.analysis.horizon import moving, origin
from study.analysis.results import AblationResults, SearchResults
from study.analysis.statistics import fewest_seeds
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning.printed_commands import horizon_command, winner_command
from study.reporting.sections import use_it
from study.tracking.view import study_page

_UI = "http://127.0.0.1:5000"


def places(
    plan: Plan, results: SearchResults | AblationResults, experiment: str = ""
) -> dict[str, str]:
    """The lines by title.

    Args:
        experiment: MLflow's id of the experiment; "" if it could not be reached.
    """
    folder = StudyFolder.of(plan)
    lines = {"report": str(folder.report / "report.html")}
    if folder.model.exists():
        lines["model"] = str(folder.model)
        lines["use it"] = (
            f"{folder.model / use_it.SCRIPT} has the lines for the loss and the network; it runs"
        )
    if (hours := gpu_hours(results)) is not None:
        lines["GPUs"] = str(hours)
    page = study_page(experiment, plan.study) if experiment else ""
    lines["browse"] = browse(without_passwords(plan.tracking_uri), page)
    lines["ledger"] = str(folder.ledger)
    if results.record.ended and needs_confirmation(results):
        command = winner_command(plan.study, plan.storage, plan.tracking_uri)
        lines["next"] = f"is it real? {fewest_seeds()} seeds can tell: {command}"
    elif results.record.ended and (still := still_moving(results)):
        command = horizon_command(plan.study, plan.storage, plan.tracking_uri)
        lines["next"] = f"{still}; does the order hold for longer? {command}"
    return lines


def still_moving(results: SearchResults | AblationResults) -> str:
    """In words, how many orders of a grid still move; "" if none does, this ran longer, or it is on
    folds, which ``--horizon`` does not take."""
    plan = results.record.plan
    if not isinstance(results, AblationResults) or plan.design.folds or origin(plan):
        return ""
    found = moving(results)
    return found.short() if found is not None and found.third else ""


def browse(tracking_uri: str, page: str) -> str:
    """The command and the address with which to open this page of MLflow, "" for its first."""
    if tracking_uri.startswith("http"):
        return tracking_uri.rstrip("/") + page
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    words = [mlflow, "ui", "--host", "127.0.0.1", "--backend-store-uri", tracking_uri]
    return f"{shlex.join(words)}  # then open {_UI}{page}"
