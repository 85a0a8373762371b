"""A database of another MLflow's version, and one on a server that is away, are named at once."""

import shlex
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from sqlalchemy import create_engine

from cluster.preflight import database_server, mlflow_schema
from cluster.preflight.tracking import EXPERIMENT, tracking_checks
from tests.study.commands.test_run import refused

FIRST = "451aebb31d03"
"""MLflow's first version of its tables."""


def at_version(path: Path, version: str | None) -> str:
    """A database with MLflow's tables of some version; returns its URI."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE experiments (experiment_id, name, lifecycle_stage)")
        if version is not None:
            connection.execute("CREATE TABLE alembic_version (version_num)")
            connection.execute("INSERT INTO alembic_version VALUES (?)", [version])
    return f"sqlite:///{path}"


def test_the_newest_version_is_the_one_that_mlflow_writes(tmp_path: Path) -> None:
    """A golden value that is MLflow's own."""
    uri = f"sqlite:///{tmp_path}/m.db"
    MlflowClient(uri).search_experiments()
    with closing(sqlite3.connect(tmp_path / "m.db")) as connection:
        [(written,)] = connection.execute("SELECT version_num FROM alembic_version")
    known, newest = mlflow_schema._versions()
    assert newest == written
    assert FIRST in known
    assert tracking_checks(uri) == []


@pytest.mark.slow
def test_an_older_database_is_refused_before_the_study_with_the_command_that_upgrades_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study ran to its end, and said there that MLflow lacks all runs, with exit code 0."""
    uri = f"sqlite:///{tmp_path}/m.db"
    MlflowClient(uri).search_experiments()
    with closing(sqlite3.connect(tmp_path / "m.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [FIRST])
    capsys.readouterr()
    line = refused(
        capsys,
        tmp_path / "runs",
        *("--space", "inverseform", "--trials", "1", "--tracking-uri", uri),
        *("--set", "data/train_images=2", "--set", "data/val_images=2", "--set", "batch=2"),
    )
    assert f"{tmp_path}/m.db was written by an older MLflow" in line
    command = line.partition("upgrade it with: ")[2].partition(";")[0]
    assert shlex.split(command)[1:] == ["db", "upgrade", uri]
    assert subprocess.run([shlex.split(command)[0], "db", "--help"], check=True).returncode == 0


@pytest.mark.parametrize(
    ("version", "words"),
    [(FIRST, "older"), ("ffffffffffff", "was written by a newer MLflow"), (None, "")],
)
def test_versions_are_compared_in_a_file_and_on_a_server(
    tmp_path: Path, version: str | None, words: str
) -> None:
    uri = at_version(tmp_path / "m.db", version)
    checks, fault = tracking_checks(uri), fault_in(uri)
    assert bool(checks) == bool(words)
    assert words in "".join(map(str, checks))
    assert (fault is not None and words in fault.found) == bool(words)


def fault_in(uri: str) -> database_server.Fault | None:
    return database_server.fault_of_tables(create_engine(uri), uri, EXPERIMENT)


def test_a_deleted_experiment_on_a_server_is_refused(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/m.db"
    client = MlflowClient(uri)
    number = client.create_experiment(EXPERIMENT)
    assert fault_in(uri) is None
    client.delete_experiment(number)
    fault = fault_in(uri)
    assert fault is not None
    assert f"restore --experiment-id {number}" in fault.remedy


def test_a_server_that_is_away_is_refused_at_once_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = time.monotonic()
    for scheme in ("postgresql", "postgresql+psycopg", "mysql+pymysql"):
        [check] = tracking_checks(f"{scheme}://me:secret@127.0.0.1:{port}/db")
        assert check.verdict == "fail"
        assert f"does not answer at 127.0.0.1:{port} (Connection refused)" in check.found
        assert "secret" not in str(check)
    assert time.monotonic() - begin < 5


def test_a_missing_driver_is_named() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        [check] = tracking_checks(f"mysql+nodriver://127.0.0.1:{listening.getsockname()[1]}/db")
    assert check.verdict == "fail"
    assert "nodriver" in str(check)
    assert "\n" not in str(check)
