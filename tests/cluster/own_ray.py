"""Starts clusters for tests on this machine, and ends each of their processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import requests

from tests.conftest import ROOT

RAY = str(Path(sys.executable).with_name("ray"))
_MARK = "EDGEWISE_TEST_CLUSTER"
SMALL = (
    "batch=8",
    "data/height=32",
    "data/width=48",
    "data/train_images=32",
    "data/val_images=9",
    "data/test_images=4",
    "model/width=4",
)
"""Sizes for a trial of a second or two."""


def study(storage: Path, name: str, *options: str, trials: int = 4, epochs: int = 3) -> list[str]:
    """The command of a small study without stages: it draws the same trials on any cluster and
    reuses none from another study."""
    sizes = [word for change in SMALL for word in ("--set", change)]
    return [
        sys.executable,
        "study/run.py",
        "--storage",
        str(storage),
        "--tracking-uri",
        f"sqlite:///{storage}/{name}.db",
        "--space",
        "region",
        "--sampler",
        "random",
        "--trials",
        str(trials),
        "--epochs",
        str(epochs),
        "--name",
        name,
        "--fresh",
        "--confirm",
        "0",
        *sizes,
        *options,
    ]


def environment(address: str = "") -> dict[str, str]:
    """A driver's environment on that cluster; "" for one that starts its own."""
    inherited = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return {**inherited, **({"RAY_ADDRESS": address} if address else {})}


def run(command: list[str], address: str = "", timeout_s: float = 400) -> str:
    """The output of the command, which must succeed."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(address),
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def wait_for(path: Path, words: str, count: int = 1, timeout_s: float = 300) -> None:
    """Wait until the file holds the words ``count`` times."""
    deadline = time.monotonic() + timeout_s
    while not (path.exists() and path.read_text().count(words) >= count):
        assert time.monotonic() < deadline, f"{words} not {count} times in {path}"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(folder: Path, port: int, *options: str, **variables: str) -> Iterator[dict[str, str]]:
    """Run `ray start --head` on loopback with free ports; yields its users' environment.

    The folder holds sockets, so its path must be short. Every process of the cluster inherits a
    mark, which distinguishes it from processes of other clusters when this one is ended.
    """
    # `ray start` returns while its daemons run on: only the mark finds them again.
    mark, dashboard = uuid4().hex, free_port()
    environ = {
        **environment(),
        _MARK: mark,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "right" * 8,
        "RAY_raylet_start_wait_time_s": "100",  # enough on a busy machine
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        **variables,
    }
    try:
        done = subprocess.run(
            [
                RAY,
                "start",
                "--head",
                f"--port={port}",
                f"--dashboard-port={dashboard}",
                "--dashboard-host=127.0.0.1",
                f"--dashboard-agent-listen-port={free_port()}",
                f"--ray-client-server-port={free_port()}",
                "--node-ip-address=127.0.0.1",
                "--disable-usage-stats",
                "--object-store-memory=200000000",
                f"--temp-dir={folder}",
                *options,
            ],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield {
            **environ,
            "RAY_ADDRESS": f"127.0.0.1:{port}",
            "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
        }
    finally:
        end_marked(mark)


def left_behind(cluster: dict[str, str], patience_s: float = 60) -> list[str]:
    """Actors and placement groups that outlive a study by ``patience_s``.

    Ray's own two actors, which a cluster has once for all jobs, do not count.
    """
    deadline = time.monotonic() + patience_s
    while left := [*_actors(cluster), *_placement_groups(cluster)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(1)
    return []


_OF_RAY = ("_AutoscalingCoordinatorActor", "TrainStateActor")


def _actors(cluster: dict[str, str]) -> list[str]:
    return [
        f"{row['class_name']} {row['name']} {row['state']}"
        for row in _state(cluster, "actors")
        if row["state"] != "DEAD" and not row["class_name"].endswith(_OF_RAY)
    ]


def _placement_groups(cluster: dict[str, str]) -> list[str]:
    rows = _state(cluster, "placement_groups")
    return [f"placement group {row['state']}" for row in rows if row["state"] != "REMOVED"]


def _state(cluster: dict[str, str], kind: str) -> list[dict[str, Any]]:
    """The rows of Ray's State API."""
    answer = requests.get(
        f"{cluster['RAY_API_SERVER_ADDRESS']}/api/v0/{kind}",
        params={"limit": "1000"},
        timeout=30,
        headers={"Authorization": f"Bearer {cluster['RAY_AUTH_TOKEN']}"},
    )
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]["result"]
    return found


def end_marked(mark: str) -> None:
    """Kill every process that carries the mark."""
    for _ in range(3):  # a dying process may have started another
        for process in psutil.process_iter():
            try:
                if process.environ().get(_MARK) == mark:
                    process.kill()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        time.sleep(0.5)
