"""Names, tags and texts of a study in MLflow. Nothing here needs MLflow itself."""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import yaml

from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import Value

NOTE = "mlflow.note.content"
"""The tag with a run's description: written once, then users may edit it."""
TAG_LENGTH = 5000
"""Characters of a tag that quotes a message; MLflow's limit is 8000."""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def run_name(trial: TrialRecord) -> str:
    """``trial-0003``, ``CELL/seed-0`` or, in a per-cell search, ``CELL/search-0003``."""
    if trial.phase:
        return f"{trial.cell}/{trial.phase}-{trial.number:04d}"
    return f"{trial.cell}/seed-{trial.seed}" if trial.cell else trial.folder


def grid_tags(record: StudyRecord, trial: TrialRecord) -> dict[str, str]:
    """The tags that only a trial of an ablation has."""
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
        "mlflow.user": user_name(),
    }
    if facts.commit:
        tags["mlflow.source.git.commit"] = facts.commit
    return tags


def user_name() -> str:
    """The user's name; ``uid-1234`` for a container's user without a line in ``/etc/passwd``."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the former up to Python 3.12
        return f"uid-{os.getuid()}"


def published(record: StudyRecord, name: str) -> dict[str, float]:
    """The paper's figures for a cell, from the first setup that it reports."""
    rows = list(record.plan.grid.cell(name).published.values())
    return {f"published_{metric}": value for row in rows[:1] for metric, value in row.items()}


def key(name: str) -> str:
    """Replace each character that MLflow refuses in a key by ``_``."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)


def nested(flat: Mapping[str, Value]) -> dict[str, Value | dict[str, Value]]:
    """Nest a flat config (``loss/gamma``) by section.

    It does not go through ``TrialConfig``, which would add this version's defaults to a config of
    an older version.
    """
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
    """The folder of artifacts beside a local database; None for a server, which has its own."""
    if not uri.startswith("sqlite"):
        return None
    database = Path(urlparse(uri).path.removeprefix("/")).resolve()
    return (database.parent / "mlartifacts").as_uri()
