"""Studies on several Ray nodes: across them, while they join and leave, and side by side."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from study.ledger.ledger import read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from tests.cluster.machines import MACHINE, begin, ended, two_machines
from tests.cluster.own_ray import run, study, wait_for
from tests.study.ledger.test_ledger import content

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two machines, across which a lane of two workers spans."""
    with two_machines() as there:
        yield there


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machines")


@pytest.fixture(scope="module")
def on_one(storage: Path) -> StudyRecord:
    """The same study, on a node that it starts itself."""
    run(study(storage, "one", "--workers", "2"))
    return StudyFolder(storage / "one").load()


def events(storage: Path, name: str, kind: str) -> list[dict[str, Any]]:
    return [
        event for event in read(StudyFolder(storage / name).ledger)[0] if event["event"] == kind
    ]


def test_a_lane_across_two_machines_gives_the_ledger_of_one(
    storage: Path, on_one: StudyRecord, cluster: Cluster
) -> None:
    output = run(study(storage, "over", "--workers", "2"), cluster.address)
    for words in (
        "1 lanes of 2 workers (1 over ",
        "ok  machines: all 3 answer",
        "ok  versions",
        "ok  code",
        "ok  storage",
        "ok  clocks",
    ):
        assert words in output, output
    assert content(StudyFolder(storage / "over").load()) == content(on_one)


def test_machines_that_join_and_leave_change_the_lanes_and_lose_no_trial(
    storage: Path, cluster: Cluster
) -> None:
    """Two machines join and carry a second lane. They leave in the middle of its trial: one lane is
    left, and all trials are complete. The study lasts a few times as long as a lane's start."""
    long = {"trials": 8, "epochs": 30}
    run(study(storage, "long", "--workers", "2", **long))
    driver = begin(study(storage, "elastic", "--workers", "2", **long), cluster.address)
    ledger = StudyFolder(storage / "elastic").ledger
    try:
        wait_for(ledger, '"event":"epoch"')
        joined = [cluster.add_node(**MACHINE) for _ in range(2)]
        wait_for(ledger, '"lanes":2')
        while len({event["lane"] for event in events(storage, "elastic", "epoch")}) < 2:
            assert driver.poll() is None, "it ended on one lane"
            time.sleep(0.2)
        for node in joined:
            cluster.remove_node(node, allow_graceful=False)
    finally:
        ended(driver)
    record = StudyFolder(storage / "elastic").load()
    assert content(record) == content(StudyFolder(storage / "long").load())
    assert [event["lanes"] for event in events(storage, "elastic", "lanes")] == [2, 1]


def test_two_studies_on_one_cluster_give_the_ledgers_of_each_alone(
    storage: Path, on_one: StudyRecord, cluster: Cluster
) -> None:
    cluster.add_node(**MACHINE)
    cluster.add_node(**MACHINE)
    cluster.wait_for_nodes()
    names = ("left", "right")
    drivers = [
        begin(study(storage, name, "--workers", "2", "--lanes", "1"), cluster.address)
        for name in names
    ]
    try:
        for driver, name in zip(drivers, names, strict=True):
            ended(driver)
            assert content(StudyFolder(storage / name).load()) == content(on_one)
    finally:
        for driver in drivers:
            driver.kill()
