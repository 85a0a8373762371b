"""Registration of a study's best network in MLflow's model registry."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME

from study.analysis.results import results_of
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking import model_files
from study.tracking.entities import trial_key
from trainables import saved
from trainables.data import PUBLISHED

_FOLDER = "model"
_DIGITS = 6
_MOST_WORDS = 4000


def name_of(record: StudyRecord) -> str:
    """The model's name: studies of one dataset and its classes register versions of one model.

    Six digits tell classes of these names from others, and, where the data are a user's own (a
    ``folder``, a plug-in's dataset), the data from other data.
    """
    data = record.data
    own = [] if data.dataset in PUBLISHED else [data.digest.rpartition("-")[2]]
    content = json.dumps([*own, *data.classes]).encode()
    return f"edgewise-{data.dataset}-{hashlib.sha256(content).hexdigest()[:_DIGITS]}"


def earlier_name(record: StudyRecord) -> str:
    """The name that earlier versions registered under: by space, whatever the classes."""
    data = record.data
    name = f"edgewise-{record.plan.space}-{data.dataset}"
    if data.dataset in PUBLISHED:
        return name
    return f"{name}-{data.digest.rpartition('-')[2][:_DIGITS]}"


def register(
    client: MlflowClient, ids: Mapping[str, str], record: StudyRecord, folder: Path
) -> None:
    """Register the network of the study's champion; a repeated call changes nothing.

    Args:
        client: connected to the tracking server.
        ids: MLflow's id of each of the study's runs, by key.
        folder: the network's files, as ``trainables.saved`` writes them.
    """
    trial = results_of(record).champion
    assert trial is not None
    run, name = ids[trial_key(trial.number)], name_of(record)
    if any(_has_version(client, known, run) for known in (name, earlier_name(record))):
        return
    _create(client, name, record)
    if not model_files.is_complete(folder):  # an older version saved it
        model_files.write(folder, record.plan.study, record.data.classes, saved.pixels(folder))
    client.log_artifacts(run, str(folder), _FOLDER)
    model = Model.load(str(folder))
    model.run_id = run
    client.log_text(run, str(model.to_yaml()), f"{_FOLDER}/{MLMODEL_FILE_NAME}")
    source = f"{client.get_run(run).info.artifact_uri}/{_FOLDER}"
    client.create_model_version(
        name,
        source,
        run_id=run,
        tags=_tags(record, trial),
        description=f"Trial {trial.number} of {record.plan.study}: the best by "
        f"{record.plan.objective} on the {record.data.list_name('val')}.",
    )


def _has_version(client: MlflowClient, name: str, run: str) -> bool:
    found = client.search_model_versions(f"name = '{name}'")
    return any(version.run_id == run for version in found)


def _create(client: MlflowClient, name: str, record: StudyRecord) -> None:
    """Create the registered model, unless an earlier study has."""
    classes = ", ".join(record.data.classes)
    words = f"Networks for the classes {classes} of {record.data.dataset}. docs/mlflow.md"
    try:
        client.create_registered_model(name, description=words[:_MOST_WORDS])
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


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
