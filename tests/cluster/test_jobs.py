"""Real `ray job submit` with a token: as in the README, shipped, refused, stopped, two at once.

However a study ends, none of its actors and placement groups stays on the cluster.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.execution.stopping import INTERRUPTED
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from tests.cluster.own_ray import RAY, free_port, left_behind, started, study, wait_for
from tests.conftest import ROOT
from tests.study.ledger.test_ledger import content

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A cluster whose token is in a home folder of the test."""
    home = tmp_path_factory.mktemp("h")
    variables = {
        "HOME": str(home),
        "RAY_worker_maximum_startup_concurrency": "16",
    }
    with started(home / "r", free_port(), "--num-cpus=2", **variables) as environ:
        yield environ


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


def small(storage: Path, name: str, *options: str) -> list[str]:
    """A small study, long enough to be stopped during a trial."""
    return study(storage, name, *options, trials=3, epochs=12)


def job(
    cluster: dict[str, str], *words: str, cwd: Path = ROOT, timeout_s: float = 400
) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in cluster.items() if name != "RAY_ADDRESS"}
    return subprocess.run(
        [RAY, "job", *words],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


@pytest.fixture(scope="module")
def literal(cluster: dict[str, str], storage: Path) -> StudyRecord:
    """The README's command: it runs in the folder in which the cluster was started."""
    done = job(cluster, "submit", "--", *small(storage, "literal"))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    for words in ("ok  token", "ok  dashboard", "winner on the test list"):
        assert words in done.stdout
    return StudyFolder(storage / "literal").load()


def test_the_literal_command_runs_the_study(cluster: dict[str, str], literal: StudyRecord) -> None:
    assert [trial.state for trial in literal.trials.values()] == ["complete"] * 3
    assert left_behind(cluster) == []


def test_shipped_code_gives_the_same(
    cluster: dict[str, str], storage: Path, literal: StudyRecord, tmp_path: Path
) -> None:
    done = job(
        cluster,
        "submit",
        "--working-dir",
        str(ROOT),
        "--",
        *small(storage, "shipped"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert content(StudyFolder(storage / "shipped").load()) == content(literal)


def test_a_wrong_token_is_reported_and_starts_nothing(
    cluster: dict[str, str], storage: Path
) -> None:
    wrong = {**cluster, "RAY_AUTH_TOKEN": "wrong" * 8}
    done = job(wrong, "submit", "--", *small(storage, "wrong"))
    assert done.returncode != 0
    assert "token" in (done.stdout + done.stderr).lower()
    assert not (storage / "wrong").exists()


def test_a_stopped_job_is_resumed_to_the_same_end(
    cluster: dict[str, str], storage: Path, literal: StudyRecord
) -> None:
    started_job = job(
        cluster, "submit", "--no-wait", "--submission-id", "cut", "--", *small(storage, "cut")
    )
    assert started_job.returncode == 0, started_job.stderr
    wait_for(StudyFolder(storage / "cut").ledger, '"event":"epoch"', 3)
    stopped = job(cluster, "stop", "cut")
    assert stopped.returncode == 0, stopped.stderr
    assert not StudyFolder(storage / "cut").load().ended
    assert left_behind(cluster) == []
    places = ["--storage", str(storage), "--tracking-uri", f"sqlite:///{storage}/cut.db"]
    done = job(cluster, "submit", "--", sys.executable, "study/run.py", "--resume", "cut", *places)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert content(StudyFolder(storage / "cut").load()) == content(literal)


def test_two_jobs_at_once_share_the_cluster(
    cluster: dict[str, str], storage: Path, literal: StudyRecord
) -> None:
    for name in ("first", "second"):
        started_job = job(
            cluster,
            "submit",
            "--no-wait",
            "--submission-id",
            name,
            "--",
            *small(storage, name, "--lanes", "1"),
        )
        assert started_job.returncode == 0, started_job.stderr
    for name in ("first", "second"):
        wait_for(StudyFolder(storage / name).ledger, '"event":"ended"')
        assert content(StudyFolder(storage / name).load()) == content(literal)
    assert left_behind(cluster) == []


def test_ctrl_c_of_an_attached_study_leaves_the_cluster_as_it_was(
    cluster: dict[str, str], storage: Path
) -> None:
    """RAY_ADDRESS instead of a job: the cluster keeps running, and nothing of the study is left."""
    driver = subprocess.Popen(
        small(storage, "ctrl-c"),
        cwd=ROOT,
        env=cluster,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(StudyFolder(storage / "ctrl-c").ledger, '"event":"epoch"', 3)
        driver.send_signal(signal.SIGINT)
        output, _ = driver.communicate(timeout=120)
    finally:
        driver.kill()
    assert driver.returncode == INTERRUPTED, output[-4000:]
    assert "--resume ctrl-c" in output
    assert left_behind(cluster) == []
