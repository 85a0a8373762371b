"""A study of two ranks in a clean environment, terminated after an epoch: its ports, its figures,
and what it leaves.

Nothing of pytest helps the command: it has what a login shell gives.
"""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import torch

from study.ledger.json_records import clean
from study.ledger.study_folder import StudyFolder
from tests.cluster.own_ray import study, wait_for
from tests.cluster.test_loopback import clean_environment, is_loopback, listening
from tests.conftest import ROOT
from trainables.config import from_flat
from trainables.data import load
from trainables.losses.terms import Learned
from trainables.training.training import Training

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Stopped:
    """A study of two ranks that was terminated after an epoch."""

    pid: int
    home: Path
    listened: dict[str, str]
    """The addresses on which it listened, with one process of each."""
    members: list[psutil.Process]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    home = tmp_path_factory.mktemp("home")
    with (home / "printed").open("w") as printed:
        started = subprocess.Popen(
            study(home, "s", "--workers", "2", trials=1, epochs=200),
            cwd=ROOT,
            env=clean_environment(home),
            stdout=printed,
            stderr=printed,
        )
        try:
            wait_for(home / "s" / "ledger.jsonl", '"event":"epoch"', timeout_s=400)
            found = listening(psutil.Process(started.pid))
            members = psutil.Process(started.pid).children(recursive=True)
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(120)
    return Stopped(started.pid, home, found, members)


def test_every_port_of_a_running_study_is_on_loopback(stopped: Stopped) -> None:
    assert len(stopped.listened) >= 1
    assert [name for address, name in stopped.listened.items() if not is_loopback(address)] == []
    assert not (stopped.home / ".ray" / "auth_token").exists(), "the token is Ray's default"


def test_a_terminated_study_leaves_no_process_and_no_folder(stopped: Stopped) -> None:
    assert stopped.members
    assert [member for member in stopped.members if member.is_running()] == [], "an agent is left"
    assert list(Path("/tmp/ray").glob(f"session_*_{stopped.pid}")) == [], "its folder is left"


def test_two_ranks_give_what_one_gives(stopped: Stopped) -> None:
    """The trial alone in this process, on one rank: equal up to the order of additions."""
    (trial,) = StudyFolder(stopped.home / "s").load().trials.values()
    config = from_flat(trial.config)
    training = Training(config, load(config.data), Learned(), torch.device("cpu"))
    trained, measured = training.train_epoch(), training.evaluate().metrics
    assert isinstance(trained, dict)
    again = {name: trial.epochs[1].metrics[name] for name in (*trained, *measured)}
    assert again == pytest.approx(clean({**trained, **measured}), abs=5e-3)
