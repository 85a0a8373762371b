"""From the command to the first trial's first step on a running cluster: `study/run.py` with
RAY_ADDRESS, one lane of two workers.

    python tests/benchmarks/attaching.py [--workers 2] [--runs 3] [--machines 3]

The times come from the command's output and its ledger. Then it measures the preflight alone, on
``--machines`` Ray nodes. Fails where the best start takes more than 30 s or the checks 10 s.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import ray
from ray.cluster_utils import Cluster

from cluster import session
from cluster.preflight.check import Needs
from cluster.preflight.checks import cluster_checks
from study.execution.preflight import _PACKAGES
from study.ledger.study_folder import StudyFolder
from tests.cluster.own_ray import free_port, started, study
from tests.conftest import ROOT

LIMIT_S, LIMIT_CHECKS_S = 30.0, 10.0


def imports_s(environ: dict[str, str]) -> float:
    """Seconds that the command's imports take."""
    begin = time.time()
    command = [sys.executable, "study/run.py", "--list"]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
    return time.time() - begin


def start_times(folder: Path, name: str, workers: int, environ: dict[str, str]) -> list[float]:
    """Seconds from the command until: the plan is printed, the checks are done, the ledger is
    started, the first trial is handed out, its first step starts."""
    printed: dict[str, float] = {}
    begin = time.time()
    command = study(folder, name, "--workers", str(workers), trials=1, epochs=1)
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            printed.setdefault("plan", time.time())
            if line.lstrip().startswith(("ok  ", "warn  ")):
                printed["checks"] = time.time()
    assert run.returncode == 0
    record = StudyFolder(folder / name).load()
    trial, epoch = record.trials[0], record.trials[0].epochs[1]
    step = epoch.time - epoch.seconds
    found = (printed["plan"], printed["checks"], record.first_time, trial.started, step)
    return [at - begin for at in found]


def preflight_s(machines: int, folder: Path) -> float:
    """Seconds of all checks on ``machines`` Ray nodes of this machine."""
    machine = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    head = {**machine, "include_dashboard": True, "dashboard_port": 0}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(machines - 1):
            nodes.add_node(**machine)
        nodes.wait_for_nodes()
        ray.init(address=nodes.address, log_to_driver=False)
        needs = Needs(folder, "sqlite:///m.db", _PACKAGES, session.PACKAGES, object_bytes=2**20)
        begin = time.time()
        checks = cluster_checks(needs)
        took = time.time() - begin
        assert not [check for check in checks if check.verdict == "fail"], checks
    finally:
        ray.shutdown()
        nodes.shutdown()
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--machines", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="e") as place:
        folder = Path(place)
        with started(folder / "r", free_port(), f"--num-cpus={given.workers}") as environ:
            print(
                f"imports {imports_s(environ):.1f} s; seconds from the command until\n"
                "| the plan is printed | all checks are done | the ledger is started "
                "| a trial is handed out | its first step |\n|---|---|---|---|---|"
            )
            best = math.inf
            for turn in range(given.runs):
                parts = start_times(folder, f"a{turn}", given.workers, environ)
                best = min(best, parts[-1])
                print(f"| {' | '.join(f'{part:.1f}' for part in parts)} |", flush=True)
        took = preflight_s(given.machines, folder)
    print(f"\nall checks on {given.machines} nodes: {took:.1f} s")
    return 0 if best <= LIMIT_S and took <= LIMIT_CHECKS_S else 1


if __name__ == "__main__":
    sys.exit(main())
