"""A resumed study needs no tracking server; a new one needs it, and each needs its schema."""

import io
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from study.execution.preflight import require_fit
from tests.study import fake
from trainables.config import DataConfig
from trainables.data import load

TINY = DataConfig(height=8, width=8, train_images=2, val_images=2, test_images=1)


def printed(storage: Path, uri: str, *, resumed: bool) -> list[str]:
    """The lines about MLflow that the preflight prints, if it lets the study run."""
    text = io.StringIO()
    plan = fake.plan(storage, tracking_uri=uri)
    require_fit(plan, load(TINY), 0, Console(file=text), dry_run=False, resumed=resumed)
    return [line for line in text.getvalue().splitlines() if "tracking" in line]


def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http://{}", "postgresql://me:secret@{}/db"])
def test_a_resumed_study_goes_on_while_its_tracking_server_is_away(
    tmp_path: Path, scheme: str
) -> None:
    uri = scheme.format(nowhere())
    with pytest.raises(ValueError, match=r"tracking .* does not answer"):
        printed(tmp_path, uri, resumed=False)
    [line] = printed(tmp_path, uri, resumed=True)
    assert line.startswith("warn  tracking")
    assert "does not answer" in line
    assert "the study continues" in line
    assert "--rebuild-mlflow" in line
    assert "secret" not in line


@pytest.mark.parametrize("uri", ["http://host:port/x", "http://:5000", "sqlite:///:memory:"])
def test_what_no_waiting_mends_is_refused_for_a_resumed_study_too(tmp_path: Path, uri: str) -> None:
    with pytest.raises(ValueError, match="tracking"):
        printed(tmp_path, uri, resumed=True)


def test_a_database_of_an_older_mlflow_is_refused_for_a_resumed_study_too(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE experiments (experiment_id, name, lifecycle_stage)")
        database.execute("CREATE TABLE alembic_version (version_num)")
        database.execute("INSERT INTO alembic_version VALUES ('451aebb31d03')")
    with pytest.raises(ValueError, match="older MLflow"):
        printed(tmp_path, f"sqlite:///{path}", resumed=True)
