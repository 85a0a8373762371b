"""How a study is named and tagged in MLflow; nothing here needs MLflow itself."""

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from study.ledger.trial_record import TrialRecord

NOTE = "mlflow.note.content"
"""A run's description: written once, then it is the reader's."""


def run_name(trial: TrialRecord) -> str:
    if trial.phase:
        return f"{trial.cell}/{trial.phase}-{trial.number:04d}"
    return f"{trial.cell}/seed-{trial.seed}" if trial.cell else trial.folder


def grid_tags(plan: Mapping[str, Any], trial: TrialRecord) -> dict[str, str]:
    if "grid" not in plan:
        return {}
    phase = {"phase": trial.phase} if trial.phase else {}
    return {"grid": plan["grid"]["name"], "cell": trial.cell, **phase}


def reported(plan: Mapping[str, Any], name: str) -> dict[str, float]:
    """The paper's figures of a cell, in the first setup that it reports."""
    cell = next(cell for cell in plan["grid"]["cells"] if cell["name"] == name)
    rows = list(cell["published"].values())
    return {f"published_{metric}": value for row in rows[:1] for metric, value in row.items()}


def key(name: str) -> str:
    """A name with what MLflow allows in a key."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parts, name = path.split("/")
        target = nested
        for part in parts:
            target = target.setdefault(part, {})
        target[name] = value
    return nested


def provenance_tags(plan: Mapping[str, Any]) -> dict[str, str]:
    facts = plan["provenance"]
    tags = {
        "data_digest": plan["data"]["digest"],
        "dirty": str(facts["dirty"]).lower(),
        "mlflow.source.name": "study/run.py",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": getpass.getuser(),
    }
    if facts["commit"]:
        tags["mlflow.source.git.commit"] = facts["commit"]
    return tags


def artifacts_beside(uri: str) -> str | None:
    """For a local database, a folder beside it; a server decides for itself."""
    if not uri.startswith("sqlite"):
        return None
    database = Path(urlparse(uri).path.removeprefix("/")).resolve()
    return (database.parent / "mlartifacts").as_uri()
