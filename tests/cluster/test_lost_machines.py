"""A machine is killed under its lane, a driver is killed, or no lane has room."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from study.ledger.events import EpochEnded, event_from_json
from study.ledger.ledger import read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from tests.chaos import promises
from tests.cluster.machines import MACHINE, begin, ended, two_machines
from tests.cluster.own_ray import environment, run, study, wait_for
from tests.conftest import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

TRIALS, EPOCHS = 4, 10
HOLD = """
import ray, sys, time
ray.init(logging_level="ERROR", log_to_driver=False)
held = [ray.remote(num_cpus=1)(type("Held", (), {"there": lambda self: True})).remote()
        for _ in range(2)]
ray.get([one.there.remote() for one in held])
print("held", flush=True)
sys.stdin.readline()
"""
LEFT = """
import ray
from ray.util.placement_group import placement_group_table
from ray.util.state import list_actors
ray.init(logging_level="ERROR", log_to_driver=False)
print([row for row in placement_group_table().values() if row["state"] != "REMOVED"]
      + [one for one in list_actors(filters=[("state", "!=", "DEAD")])
         if one.class_name != "_AutoscalingCoordinatorActor"])  # Ray Train's own, one per cluster
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two machines with room for a lane on each."""
    with two_machines() as machines:
        yield machines


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lost")


def small_study(storage: Path, name: str, *options: str) -> list[str]:
    return study(storage, name, *options, trials=TRIALS, epochs=EPOCHS)


def resume(storage: Path, name: str) -> list[str]:
    places = ["--storage", str(storage), "--tracking-uri", f"sqlite:///{storage}/{name}.db"]
    return [sys.executable, "study/run.py", *places, "--resume", name]


@pytest.fixture(scope="module")
def calm(storage: Path, cluster: Cluster) -> StudyRecord:
    run(small_study(storage, "calm"), cluster.address)
    return StudyFolder(storage / "calm").load()


def left_on(cluster: Cluster) -> str:
    """Placement groups and actors that remain half a minute after the last driver ended."""
    output = ""
    for _ in range(10):
        output = run([sys.executable, "-c", LEFT], cluster.address).strip().splitlines()[-1]
        if output == "[]":
            break
        time.sleep(3)
    return output


def epochs(folder: Path) -> Counter[tuple[int, int]]:
    """How often the ledger holds each epoch of each trial."""
    events = [event_from_json(line) for line in read(StudyFolder(folder).ledger)[0]]
    return Counter((event.trial, event.epoch) for event in events if isinstance(event, EpochEnded))


def test_the_trial_of_a_killed_machine_continues_elsewhere(
    storage: Path, cluster: Cluster, calm: StudyRecord
) -> None:
    driver = begin(small_study(storage, "killed"), cluster.address)
    ledger = StudyFolder(storage / "killed").ledger
    for trial in (0, 1):
        wait_for(ledger, f'"trial":{trial},"epoch":2')
    machine = cluster.list_all_nodes()[-1]
    machine.kill_raylet()
    try:
        output = ended(driver)
    finally:  # the next tests need two machines
        cluster.remove_node(machine, allow_graceful=False)
        cluster.add_node(**MACHINE)
    assert "1 lanes from now on: " in output, output
    promises.ledger_is_complete(storage / "killed", calm)
    assert sum(count - 1 for count in epochs(storage / "killed").values()) <= 1
    assert left_on(cluster) == "[]"


def test_a_killed_driver_leaves_nothing_on_the_cluster_and_is_resumed_there(
    storage: Path, cluster: Cluster, calm: StudyRecord
) -> None:
    driver = begin(small_study(storage, "cut"), cluster.address)
    wait_for(StudyFolder(storage / "cut").ledger, '"trial":1,"epoch":2')
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    run(resume(storage, "cut"), cluster.address)
    promises.ledger_is_complete(storage / "cut", calm)
    assert left_on(cluster) == "[]"


def test_lanes_without_room_are_named_and_the_study_stops_and_can_be_resumed(
    storage: Path, cluster: Cluster, calm: StudyRecord
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env=environment(cluster.address),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = subprocess.run(
            small_study(storage, "room", "--lane-wait", "1.4"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=environment(cluster.address),
            timeout=400,
        )
        assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-3000:]
        missing = "each requests a worker of 1 CPU; 0 of 2 CPU are free"
        assert f"2 lanes have been waiting for room: {missing}" in done.stdout
        assert f"stopped: no lane has had room for 84 s: {missing}" in done.stderr
        assert "study/run.py --resume room" in done.stdout
        holder.communicate("end\n")
    run(resume(storage, "room"), cluster.address)
    promises.ledger_is_complete(storage / "room", calm)
