"""The best network of a study in MLflow's model registry, with its config."""

from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord

_FOLDER = "model"


def name_of(record: StudyRecord) -> str:
    """Studies of one space on one dataset are versions of one model."""
    return f"edgewise-{record.plan['space']}-{record.plan['data']['dataset']}"


def register(
    client: MlflowClient, ids: Mapping[str, str], record: StudyRecord, folder: Path
) -> None:
    """Register the files of the study's champion (``trainables.saved``); what is registered
    already stays."""
    trial = record.champion()
    assert trial is not None
    run, name = ids[f"trial/{trial.number}"], name_of(record)
    try:
        client.create_registered_model(
            name, description="Loading: trainables.saved.load(folder); docs/mlflow.md."
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    if any(known.run_id == run for known in client.search_model_versions(f"name = '{name}'")):
        return
    client.log_artifacts(run, str(folder), _FOLDER)
    source = f"{client.get_run(run).info.artifact_uri}/{_FOLDER}"
    client.create_model_version(
        name,
        source,
        run_id=run,
        tags=_tags(record, trial),
        description=f"Trial {trial.number} of {record.plan['study']}: the best by "
        f"{record.plan['objective']} on the validation list.",
    )


def _tags(record: StudyRecord, trial: TrialRecord) -> dict[str, str]:
    objective = record.plan["objective"]
    figures = {
        objective: trial.value(objective),
        f"test_{objective}": (trial.tested or {}).get(f"test_{objective}"),
    }
    return {
        "study": record.plan["study"],
        "trial": str(trial.number),
        **({"cell": trial.cell, "seed": str(trial.seed)} if trial.cell else {}),
        **{name: f"{value:.4f}" for name, value in figures.items() if value is not None},
    }
