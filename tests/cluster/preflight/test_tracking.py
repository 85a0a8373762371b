"""MLflow before a study: whatever would lose or hide its runs is one failed check."""

import http.server
import json
import socket
import sqlite3
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest

from cluster.preflight.tracking import status, tracking_checks

VARIABLES = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_RUN_ID",
    "MLFLOW_ENABLE_ASYNC_LOGGING",
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def mlflow_database(path: Path, stage: str) -> None:
    execute(
        path,
        "CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT)",
        f"INSERT INTO experiments VALUES (7, 'edgewise', '{stage}')",
    )


def only_failure(uri: str) -> str:
    [check] = tracking_checks(uri)
    assert check.verdict == "fail"
    assert "\n" not in str(check)
    return str(check)


@pytest.mark.parametrize(
    "name", ["", ":memory:", ":memory:?cache=shared", "file:x?mode=memory&uri=true"]
)
def test_a_database_in_memory_is_refused(name: str) -> None:
    assert "is in memory and would be lost" in only_failure(f"sqlite:///{name}")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a line of text, which is no database")
    assert f"{path} is not an SQLite database" in only_failure(f"sqlite:///{path}")
    assert path.read_text().startswith("a line")


def test_a_folder_and_a_file_as_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert f"{tmp_path} is not a file" in only_failure(f"sqlite:///{tmp_path}")
    assert "file is not a folder" in only_failure(f"sqlite:///{tmp_path}/file/m.db")


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    mlflow_database(path, "active")
    path.write_bytes(path.read_bytes()[:100] + b"x" * 5000)
    assert "is a damaged database" in only_failure(f"sqlite:///{path}")


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    execute(tmp_path / "mail.db", "CREATE TABLE mails (text TEXT)")
    assert "of another program" in only_failure(f"sqlite:///{tmp_path}/mail.db")


def test_a_deleted_experiment_is_refused_with_the_command_that_restores_it(tmp_path: Path) -> None:
    path = tmp_path / "my runs.db"
    mlflow_database(path, "deleted")
    line = only_failure(f"sqlite:///{path}")
    assert "edgewise is deleted in" in line
    assert f"MLFLOW_TRACKING_URI='sqlite:///{path}' mlflow experiments restore" in line
    assert "--experiment-id 7" in line


def test_good_databases_pass(tmp_path: Path) -> None:
    mlflow_database(tmp_path / "m.db", "active")
    (tmp_path / "empty.db").touch()
    for name in ("m.db", "empty.db", "new.db", "new/folder/m.db"):
        assert tracking_checks(f"sqlite:///{tmp_path}/{name}") == []
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_not_used_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "other")
    [check] = tracking_checks(f"sqlite:///{tmp_path}/m.db")
    assert check.verdict == "warn"
    assert f"{name} is set and not used" in check.found


def test_a_variable_that_says_the_same_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/m.db")
    assert tracking_checks(f"sqlite:///{tmp_path}/m.db") == []


class Deleted(http.server.BaseHTTPRequestHandler):
    """A tracking server whose experiment is deleted."""

    seen: ClassVar[list[str | None]] = []
    """The credentials of each request."""

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(200)
        self.end_headers()
        if "get-by-name?experiment_name=edgewise" in self.path:
            self.wfile.write(json.dumps({"experiment": {"lifecycle_stage": "deleted"}}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deleted) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/prefix"
        running.shutdown()


def test_a_deleted_experiment_of_a_server_is_refused(server: str) -> None:
    assert f"edgewise is deleted in {server}" in only_failure(server)


def test_credentials_reach_only_the_server_and_are_not_printed(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Deleted.seen.clear()
    line = only_failure(server.replace("://", "://ada:p%40ss@"))
    assert set(Deleted.seen) == {"Basic " + b64encode(b"ada:p@ss").decode()}
    assert "ada" not in line
    assert "p%40ss" not in line
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    only_failure(server)
    assert Deleted.seen[-1] == "Bearer secret"
    status(server)  # another server, such as Ray's
    assert Deleted.seen[-1] is None


def test_a_port_that_does_not_speak_http_is_refused() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        threading.Thread(target=answer, daemon=True).start()
        [check] = tracking_checks(f"http://127.0.0.1:{listening.getsockname()[1]}")
    assert (check.verdict, "does not answer" in check.found) == ("fail", True)
    [check] = tracking_checks("http://host:port/x")
    assert check.verdict == "fail"
