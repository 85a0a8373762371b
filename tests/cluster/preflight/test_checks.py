"""The checks before a study: the verdict and the remedy of each."""

import http.server
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from cluster import session
from cluster.preflight import many_machines, node_facts
from cluster.preflight.check import Check, Machine, Needs
from cluster.preflight.checks import cluster_checks, local_checks
from cluster.preflight.node_facts import Facts, Question, code_digest, look, sees, versions
from cluster.preflight.tracking import tracking_checks

CODE = ("study", "trainables", "search_spaces", "cluster")


def needs(folder: Path, **changes: object) -> Needs:
    options: dict[str, Any] = {
        "storage": folder,
        "tracking_uri": "sqlite:///m.db",
        "packages": ("ray", "numpy"),
        "code": CODE,
        "object_bytes": 2**20,
        "storage_bytes": 2**20,
    }
    return Needs(**{**options, **changes})


def checks_of(
    folder: Path, unread: list[tuple[str, str]] | None = None, skew: float = 0.0, **changes: object
) -> dict[str, Check]:
    """The checks on two machines, by name; the second machine answers with these changes."""
    required = needs(folder, data=lambda: "d1")
    good = Facts(
        node="n1",
        versions=versions(required.packages),
        code=code_digest(CODE),
        wrote="",
        clock=0.0,
        data="d1",
    )
    facts = {"n1": good, "n2": Facts(**{**vars(good), "node": "n2", **changes})}
    machines = [Machine(name, f"host/{name}", cpus=1, object_store_bytes=1) for name in facts]
    skews = {"n1": 0.0, "n2": skew}
    checks = many_machines.judge(machines, required, facts, skews, unread or [])
    return {check.name: check for check in checks}


def test_equal_machines_pass_every_check(tmp_path: Path) -> None:
    assert {check.verdict for check in checks_of(tmp_path).values()} == {"ok"}


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        (
            "versions",
            {"versions": {"python": "3.11", "ray": "1.0", "numpy": "none"}},
            "host/n2 ray 1.0 (here ",
        ),
        ("code", {"code": "none"}, "host/n2; remove the copy"),
        ("storage", {"wrote": "Read-only file system"}, "host/n2 (Read-only file system)"),
        ("storage", {"unread": [("n1", "n2")]}, "is not one folder: unread on host/n1 from"),
        ("data", {"data": "cannot be read: absent"}, "host/n2 (cannot be read: absent)"),
        ("clocks", {"skew": 61.0}, "host/n2 61 s"),
    ],
)
def test_a_difference_is_named_with_its_machine_and_its_remedy(
    tmp_path: Path, name: str, changes: dict[str, Any], words: str
) -> None:
    checks = checks_of(tmp_path, **changes)
    wrong = [check for check in checks.values() if check.verdict != "ok"]
    assert [check.name for check in wrong] == [name]
    assert words in str(wrong[0])
    assert wrong[0].remedy
    assert "\n" not in str(wrong[0])


def test_a_machine_reports_why_it_cannot_write_or_read(tmp_path: Path) -> None:
    def unreadable() -> str:
        raise FileNotFoundError("no such file: a.png")

    question = Question(
        str(tmp_path / "absent"), ("ray", "no-such-package"), ("absent",), unreadable
    )
    facts = look("n", question)
    assert facts.wrote == "No such file or directory"
    assert facts.versions["no-such-package"] == facts.code == "none"
    assert facts.data == "cannot be read: no such file: a.png"


def test_a_file_that_another_machine_writes_a_moment_later_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_facts, "_PATIENCE_S", 1.5)
    timer = threading.Timer(0.5, lambda: (tmp_path / "b").write_text("b"))
    timer.start()
    assert sees(str(tmp_path), "b")
    begin = time.monotonic()
    assert not sees(str(tmp_path), "never")
    assert time.monotonic() - begin < 5


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 403)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answers) as answering:
        threading.Thread(target=answering.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{answering.server_port}"
        answering.shutdown()


def test_a_tracking_server_answers_refuses_or_is_silent(server: str) -> None:
    for uri, verdict, words in (
        (server, "ok", "answers"),
        (f"{server}/refused", "fail", "MLFLOW_TRACKING_USERNAME"),
        ("http://127.0.0.1:9", "fail", "does not answer"),
    ):
        [check] = tracking_checks(uri)
        assert check.verdict == verdict
        assert words in str(check)
    assert tracking_checks("sqlite:///m.db") == []


def test_too_little_shared_memory_is_a_warning(tmp_path: Path) -> None:
    checks = {check.name: check for check in local_checks(needs(tmp_path, object_bytes=2**60))}
    check = checks["shared memory"]
    assert (check.verdict, "--shm-size" in check.remedy) == ("warn", True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:8265", "neither the dashboard's 8265 nor ray://"),
        ("ray://127.0.0.1:10001", "must be auto or a head's HOST:PORT"),
        ("head", "must be auto or a head's HOST:PORT"),
        ("127.0.0.1:1", "must be a cluster that answers, got '127.0.0.1:1': "),
    ],
)
def test_an_address_that_is_not_a_head_s_is_refused_at_once(address: str, words: str) -> None:
    begin = time.monotonic()
    with pytest.raises(ValueError, match=re.escape(words)):
        session.require_answer(address)
    assert time.monotonic() - begin < 5


def test_a_listening_head_is_accepted(server: str) -> None:
    # It raises where nothing answers; "auto" is resolved by Ray itself.
    session.require_answer(server.removeprefix("http://"))
    session.require_answer("auto")


def package(folder: Path, release: str) -> str:
    """Install a distribution of that version; return the PYTHONPATH that finds it."""
    facts = folder / release / f"edgewise_probe-{release}.dist-info" / "METADATA"
    facts.parent.mkdir(parents=True)
    facts.write_text(f"Metadata-Version: 2.1\nName: edgewise-probe\nVersion: {release}\n")
    return f"{facts.parent.parent}:{os.environ.get('PYTHONPATH', '')}"


@pytest.mark.ray
@pytest.mark.slow
def test_three_machines_are_checked_in_less_than_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them has another version of a package."""
    old, new = package(tmp_path, "1.0"), package(tmp_path, "2.0")
    monkeypatch.syspath_prepend(old.split(":")[0])
    machine = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    monkeypatch.setenv("PYTHONPATH", old)
    cluster = Cluster(
        initialize_head=True,
        head_node_args={**machine, "include_dashboard": True, "dashboard_port": 0},
    )
    try:
        cluster.add_node(**machine)
        monkeypatch.setenv("PYTHONPATH", new)
        odd = cluster.add_node(**machine)
        monkeypatch.setenv("PYTHONPATH", old)
        ray.init(address=cluster.address, log_to_driver=False)
        cluster.wait_for_nodes()
        begin = time.monotonic()
        required = needs(tmp_path, packages=("ray", "edgewise-probe"), data=os.getcwd)
        checks = {check.name: check for check in cluster_checks(required)}
        took = time.monotonic() - begin
    finally:
        ray.shutdown()
        cluster.shutdown()
    wrong = {name: str(check) for name, check in checks.items() if check.verdict == "fail"}
    assert list(wrong) == ["versions"], wrong
    assert odd.node_id[:6] in wrong["versions"]
    assert "edgewise-probe 2.0 (here 1.0)" in wrong["versions"]
    assert checks["dashboard and State API"].verdict == "ok"
    assert not list(tmp_path.glob(".preflight-*"))
    assert took < 10
