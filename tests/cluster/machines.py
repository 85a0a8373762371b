"""Several Ray nodes on this machine, and a study's driver beside them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ray.cluster_utils import Cluster

from tests.cluster.own_ray import environment
from tests.conftest import ROOT

MACHINE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@contextmanager
def two_machines() -> Iterator[Cluster]:
    """A head without CPUs and two nodes of one CPU."""
    os.environ.setdefault("RAY_worker_maximum_startup_concurrency", "16")
    cluster = Cluster(
        initialize_head=True,
        head_node_args={**MACHINE, "num_cpus": 0, "include_dashboard": True, "dashboard_port": 0},
    )
    try:
        for _ in range(2):
            cluster.add_node(**MACHINE)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()


def begin(command: list[str], address: str) -> subprocess.Popen[str]:
    """Start a study's driver on the cluster."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(address),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def ended(driver: subprocess.Popen[str], timeout_s: float = 500) -> str:
    """The output of the driver, which must end without an error."""
    try:
        output, _ = driver.communicate(timeout=timeout_s)
    finally:
        driver.kill()
    assert driver.returncode == 0, output[-4000:]
    return output
