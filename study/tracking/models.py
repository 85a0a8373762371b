"""Registration of a study's best network in MLflow's model registry."""

import platform
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.pyfunc import FLAVOR_NAME

from study.analysis.ranking import champion
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking.entities import trial_key
from study.tracking.pyfunc_model import LOADER
from trainables.data import PUBLISHED

_FOLDER = "model"
_DIGITS = 6


def name_of(record: StudyRecord) -> str:
    """The model's name: studies of one space on one dataset register versions of one model.

    ``folder`` is whatever lies in a user's folder, and a plug-in's dataset is its own: six digits
    of the data's digest tell them apart.
    """
    name, data = f"edgewise-{record.plan.space}-{record.data.dataset}", record.data
    if data.dataset in PUBLISHED:
        return name
    _, _, digits = data.digest.rpartition("-")
    return f"{name}-{digits[:_DIGITS]}"


def register(
    client: MlflowClient, ids: Mapping[str, str], record: StudyRecord, folder: Path
) -> None:
    """Register the network of the study's champion; a repeated call changes nothing.

    Args:
        client: connected to the tracking server.
        ids: MLflow's id of each of the study's runs, by key.
        folder: the network's files, as ``trainables.saved`` writes them.
    """
    trial = champion(record)
    assert trial is not None
    run, name = ids[trial_key(trial.number)], name_of(record)
    try:
        client.create_registered_model(
            name, description="Loading: trainables.saved.load(folder); docs/mlflow.md."
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # an earlier study created it
            raise
    if any(version.run_id == run for version in client.search_model_versions(f"name = '{name}'")):
        return
    client.log_artifacts(run, str(folder), _FOLDER)
    client.log_text(run, _mlmodel(run), f"{_FOLDER}/{MLMODEL_FILE_NAME}")
    source = f"{client.get_run(run).info.artifact_uri}/{_FOLDER}"
    client.create_model_version(
        name,
        source,
        run_id=run,
        tags=_tags(record, trial),
        description=f"Trial {trial.number} of {record.plan.study}: the best by "
        f"{record.plan.objective} on the {record.data.list_name('val')}.",
    )


def _mlmodel(run: str) -> str:
    """The file by which ``mlflow.pyfunc`` finds the loader; the other files are as saved."""
    flavour = {
        "loader_module": LOADER,
        "python_version": platform.python_version(),
        "data": ".",
    }
    return str(Model(artifact_path=_FOLDER, run_id=run, flavors={FLAVOR_NAME: flavour}).to_yaml())


def _tags(record: StudyRecord, trial: TrialRecord) -> dict[str, str]:
    objective = record.plan.objective
    figures = {
        objective: trial.value(objective),
        f"test_{objective}": (trial.tested or {}).get(f"test_{objective}"),
    }
    return {
        "study": record.plan.study,
        "trial": str(trial.number),
        **({"cell": trial.cell, "seed": str(trial.seed)} if trial.cell else {}),
        **({"fold": str(trial.fold)} if trial.fold else {}),
        **{name: f"{value:.4f}" for name, value in figures.items() if value is not None},
    }
