"""A study's stages in MLflow: one nested run each, with its quality and its curve."""

from collections.abc import Mapping
from typing import Any


def write_stages(
    client: Any, experiment: str, parent: str, study: str, stages: list[dict[str, Any]]
) -> None:
    """Make MLflow's runs of these stages equal to the ledger; what is there already stays.

    Args:
        client: an ``MlflowClient``.
        stages: the ledger's ``stage`` events.
    """
    found = client.search_runs([experiment], f"tags.stage_of = '{study}'", max_results=10_000)
    there = {run.data.tags.get("stage") for run in found}
    for stage in stages:
        name = f"{stage['kind']}-{stage['key']}"
        if name not in there:
            _write(client, experiment, {
                "mlflow.parentRunId": parent, "mlflow.runName": name, "stage": name,
                "stage_of": study, "reused": str(stage["reused"]).lower(),
            }, stage)  # fmt: skip


def _write(client: Any, experiment: str, tags: dict[str, str], stage: Mapping[str, Any]) -> None:
    run = client.create_run(experiment, tags=tags).info.run_id
    client.log_metric(run, "seconds", stage["seconds"])
    for name, value in stage["quality"].items():
        if value is not None:
            client.log_metric(run, name, value)
    for step, loss in enumerate(stage.get("curve", []), start=1):
        if loss is not None:
            client.log_metric(run, "loss", loss, step=step)
    client.set_terminated(run)
