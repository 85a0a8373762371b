"""How a study is named, tagged and spelled in MLflow. Nothing here needs MLflow itself."""

import getpass
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import yaml

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import Value

NOTE = "mlflow.note.content"
"""A run's description: written once, then it belongs to the reader."""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def run_name(trial: TrialRecord) -> str:
    if trial.phase:
        return f"{trial.cell}/{trial.phase}-{trial.number:04d}"
    return f"{trial.cell}/seed-{trial.seed}" if trial.cell else trial.folder


def grid_tags(record: StudyRecord, trial: TrialRecord) -> dict[str, str]:
    if not trial.cell:
        return {}
    phase = {"phase": trial.phase} if trial.phase else {}
    return {"grid": record.plan.grid.name, "cell": trial.cell, **phase}


def provenance_tags(record: StudyRecord) -> dict[str, str]:
    """The data and the code that a run's numbers come from."""
    facts = record.provenance
    tags = {
        "data_digest": record.data.digest,
        "dirty": str(facts.dirty).lower(),
        "mlflow.source.name": "study/run.py",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": getpass.getuser(),
    }
    if facts.commit:
        tags["mlflow.source.git.commit"] = facts.commit
    return tags


def published(record: StudyRecord, name: str) -> dict[str, float]:
    """The paper's figures of a cell, in the first setup that it reports."""
    rows = list(record.plan.grid.cell(name).published.values())
    return {f"published_{metric}": value for row in rows[:1] for metric, value in row.items()}


def key(name: str) -> str:
    """A name, with ``_`` for each character that MLflow refuses in a key."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)


def nested(flat: Mapping[str, Value]) -> dict[str, Value | dict[str, Value]]:
    """A config by section, from its paths (``loss/gamma``). Not from a ``TrialConfig``, which would
    add the defaults of this version to a config of an older one."""
    config: dict[str, Value | dict[str, Value]] = {}
    for path, value in flat.items():
        section, _, name = path.rpartition("/")
        place = config.setdefault(section, {}) if section else config
        assert isinstance(place, dict)
        place[name] = value
    return config


def as_yaml(content: object) -> str:
    return str(yaml.dump(content, Dumper=_DUMPER, sort_keys=False))


def artifacts_beside(uri: str) -> str | None:
    """For a local database, a folder beside it; a server decides for itself."""
    if not uri.startswith("sqlite"):
        return None
    database = Path(urlparse(uri).path.removeprefix("/")).resolve()
    return (database.parent / "mlartifacts").as_uri()
