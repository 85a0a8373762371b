"""The folder ``model`` of a study: its best network, and all that its users need beside it."""

from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting import model_card
from study.reporting.sections import use_it
from trainables import saved
from trainables.config import from_flat
from trainables.proof import DamageError
from trainables.stages.copies import contents
from trainables.stages.registry import stage_names

Results = SearchResults | AblationResults
_MLMODEL = "MLmodel"
"""MLflow's own file."""


def save(results: Results, folder: StudyFolder) -> str:
    """Save the champion's network with its loss, a card and a program, as an MLflow model.

    Returns:
        "", or one line about what is not saved.
    """
    champion = results.champion
    if champion is None:
        return ""
    try:
        state = folder.measured_checkpoint(champion).state()
    except DamageError as error:
        return f"no model is saved: {error}"
    config, data = from_flat(champion.decided_config), results.record.data
    stages = _stages(results, champion, folder)
    saved.save(folder.model, config, data.classes, state, stages)
    _make_mlflow_model(results, folder)
    describe(results, folder)
    return ""


def _make_mlflow_model(results: Results, folder: StudyFolder) -> None:
    from study.tracking import model_files  # MLflow takes seconds

    classes, pixels = results.record.data.classes, saved.pixels(folder.model)
    model_files.write(folder.model, folder.name, classes, pixels)


def describe(results: Results, folder: StudyFolder) -> None:
    """Write the card and the program, by the results as they are now."""
    trial = use_it.saved_trial(results, folder)
    if trial is not None:
        script = use_it.script(results, trial, folder.name)
        (folder.model / use_it.SCRIPT).write_text(script)
        (folder.model / model_card.CARD).write_text(model_card.card(results, trial, folder))


def complete(results: Results, folder: StudyFolder) -> None:
    """Add what an older version left out of the folder, if the storage still has it.

    Raises:
        DamageError: a file of the folder is damaged.
    """
    trial = use_it.saved_trial(results, folder)
    if trial is None:
        return
    files = saved.read_files(folder.model)
    stages = _stages(results, trial, folder)
    lacking = {name: file for name, file in stages.items() if name not in files}
    if lacking and saved.HASHES in {path.name for path in folder.model.iterdir()}:
        saved.add_stages(folder.model, lacking)
    if not (folder.model / _MLMODEL).exists():
        _make_mlflow_model(results, folder)
    describe(results, folder)


def _stages(results: Results, trial: TrialRecord, folder: StudyFolder) -> dict[str, bytes]:
    """The files of the networks inside the champion's loss, by name."""
    names = trial.stages or tuple(_named_by_config(trial, results.record.data.digest))
    return contents(names, folder.stages)


def _named_by_config(trial: TrialRecord, digest: str) -> list[str]:
    """Of a trial that was reused, whose ledger does not name them here."""
    config = use_it.config_of(trial)
    return [] if config is None else stage_names(config, digest)
