"""The trials that an earlier attempt started and did not end."""

from pathlib import Path

from study.ledger.events import Finished
from study.ledger.ledger import Ledger
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.search.trial_events import complete_with_network
from trainables.training import checkpoint


def interrupted_trials(ledger: Ledger, folder: StudyFolder) -> list[InterruptedTrial]:
    """The trials that an earlier attempt started but did not end, with their checkpoints.

    A trial that was interrupted after the checkpoint of its last epoch is ended here.
    """
    interrupted = []
    for trial in ledger.record.in_state("running"):
        saved = checkpoint.latest(folder.trial_folders(trial.number), at_most=trial.last_epoch)
        shared, lender = trial.shared, trial.lender
        if lender is not None and lender.state == "complete":
            complete_with_network(ledger, trial, lender)
            continue
        if saved is None and shared is not None and trial.last_epoch >= shared.epochs:
            saved = checkpoint.undamaged(folder.trial_folders(shared.trial), shared.epochs)
        if saved is not None and saved.epoch >= int(trial.config["epochs"]):
            ledger.append(Finished(trial=trial.number, state="complete"))
            continue
        resume_from = str(saved.folder) if saved else ""
        interrupted.append(InterruptedTrial(trial.number, trial.params, resume_from))
    return interrupted


def continue_after(interrupted: list[InterruptedTrial]) -> dict[int, int]:
    """The epoch after which each trial continues, by its number."""
    epochs = {}
    for trial in interrupted:
        resume_from = Path(trial.resume_from)
        epochs[trial.number] = checkpoint.read(resume_from).epoch if trial.resume_from else 0
    return epochs
