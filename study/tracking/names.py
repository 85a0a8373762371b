"""Names, tags and texts of a study in MLflow. Nothing here needs MLflow itself."""

import getpass
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlparse

import yaml

from study.analysis import comparability
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import Value

TAG_LENGTH = 5000
"""Characters of a tag that quotes a message; MLflow's limit is 8000."""
_NAME_LENGTH = 200
"""Characters of a run's name or of a key; MLflow's limit is 250."""
_NAMED_PARAMS = 3
"""Most parameters in the name of a trial; all are columns."""
_ONLY_IN_LEDGER = re.compile(r".*_scored|(test_)?trimap_.*")
"""Metrics that say what others were computed from, and those by width of a band: 40 curves a run
that the report draws better. MLflow's page of runs loads every metric of every run."""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def run_name(trial: TrialRecord) -> str:
    """What distinguishes a trial: ``lovasz · seed 3``, ``lovasz · search 3`` in a per-cell search,
    ``trial 3 · gamma 0.58, tile 16`` in a search."""
    if trial.phase:
        name = f"{trial.cell} · {trial.phase} {trial.number}"
    elif trial.cell:
        name = f"{trial.cell} · {trial.where}"
    else:
        name = " · ".join([f"trial {trial.number}", *_short(trial.params)])
    return name[:_NAME_LENGTH]


def _short(params: Mapping[str, Value]) -> list[str]:
    """The first parameters in one text, with two significant digits; [] without any."""
    texts = [
        f"{path.rpartition('/')[2]} {f'{value:.2g}' if isinstance(value, float) else value}"
        for path, value in params.items()
    ]
    more = [".."] if len(texts) > _NAMED_PARAMS else []
    return [", ".join([*texts[:_NAMED_PARAMS], *more])] if texts else []


def shown(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    """The metrics that MLflow has; the ledger has all."""
    return {name: value for name, value in metrics.items() if not _ONLY_IN_LEDGER.fullmatch(name)}


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
    """The paper's figures for a cell, from the first setup that measured as the study does."""
    grid = record.plan.grid
    cell, known = grid.cell(name), comparability.comparable(record.plan, grid, record.data.images)
    rows = [cell.published[setup] for setup in known if setup in cell.published]
    return {f"published_{metric}": value for row in rows[:1] for metric, value in row.items()}


def key(name: str) -> str:
    """Replace each character that MLflow refuses in a key by ``_``."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)


def distinct(labels: Iterable[str]) -> list[str]:
    """A key for each label, in order: two labels that MLflow would confuse differ."""
    keys: list[str] = []
    for label in labels:
        name = key(label)[:_NAME_LENGTH]
        while name in keys:
            name += "_"
        keys.append(name)
    return keys


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
