"""Ray's autoscaler with its fake provider: a study requests machines, they join, lanes start."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from study.ledger.ledger import read
from study.ledger.study_folder import StudyFolder
from tests.cluster.own_ray import free_port, started, study
from tests.conftest import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

MACHINES = 2
FAKE = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
"""The provider's module: its short name needs an example file that Ray's wheel lacks."""


def configuration(port: int) -> dict[str, Any]:
    worker = {"CPU": 1, "object_store_memory": 100_000_000}
    return {
        "cluster_name": "fake",
        "max_workers": MACHINES,
        "idle_timeout_minutes": 5,
        "upscaling_speed": 10.0,
        "auth": {"ssh_user": "nobody"},
        "provider": {
            "type": "external",
            "module": FAKE,
            "gcs_address": f"127.0.0.1:{port}",
            "use_node_id_as_ip": True,  # all nodes have the same address
            "disable_node_updaters": True,
        },  # updaters would try to install Ray on the nodes, and end them
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {
                "resources": worker,
                "node_config": {},
                "min_workers": 0,
                "max_workers": MACHINES,
            },
        },
        "docker": {},
        "initialization_commands": [],
        "setup_commands": [],
        "cluster_synced_files": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "head_start_ray_commands": [],
        "worker_start_ray_commands": [],
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
    }


def test_a_study_requests_machines_that_join_and_start_lanes(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No lane fits at first, so the plan names what it waits for. What can never fit is refused."""
    config = tmp_path / "autoscaling.json"
    port = free_port()
    config.write_text(json.dumps(configuration(port)))
    kinds = json.dumps([{"CPU": 1, "max": MACHINES}])
    with started(
        tmp_path_factory.mktemp("r"),
        port,
        "--num-cpus=0",
        f"--autoscaling-config={config}",
        RAY_FAKE_CLUSTER="1",
        AUTOSCALER_UPDATE_INTERVAL_S="1",
        EDGEWISE_MAY_JOIN=kinds,
        RAY_worker_maximum_startup_concurrency="16",
    ) as environ:

        def ask(name: str, *options: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                study(tmp_path, name, *options),
                cwd=ROOT,
                env=environ,
                capture_output=True,
                text=True,
                timeout=500,
            )

        refused = ask("never", "--workers", "3")
        assert refused.returncode == 2
        assert "at most 2, what this cluster holds at its most" in refused.stderr
        done = ask("comes", "--workers", "2")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "1 waiting for the autoscaler: room for 2 more workers of 1 CPU" in done.stdout
    record = StudyFolder(tmp_path / "comes").load()
    assert [trial.state for trial in record.trials.values()] == ["complete"] * 4
    events = read(tmp_path / "comes" / "ledger.jsonl")[0]
    assert "lanes" not in {event["event"] for event in events}  # one was planned, and one started
