"""`make cluster` and `make cluster-stop`: one local Ray cluster, on loopback.

``ray stop`` would end every Ray of this user on the machine. This ends the one that it started: its
process is written down, and checked by its start time before anything is ended.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import psutil

from cluster.own_cluster import with_descendants

NOTE = Path(".cluster.json")
"""Which process is the cluster's, in the folder that it is started from."""
LOG = Path(".cluster.log")
_STARTED = "Ray runtime started"
_PATIENCE_S = 60.0
_GRACE_S = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Start or stop the cluster; the exit code is 1 if that failed, 2 after a mistake."""
    parser = argparse.ArgumentParser(prog="cluster/local.py", description=__doc__)
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--dashboard-port", type=int, default=8265)
    given = parser.parse_args(arguments)
    return _stop() if given.action == "stop" else _start(given.port, given.dashboard_port)


def _start(port: int, dashboard_port: int) -> int:
    if running() is not None:
        print("make cluster: the cluster runs already; end it with: make cluster-stop")
        return 2
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
    places = {"--port": port, "--dashboard-port": dashboard_port, "--dashboard-host": "127.0.0.1"}
    options = [word for name, value in places.items() for word in (name, str(value))]
    with LOG.open("w") as log:
        process = subprocess.Popen(
            [*command, *options, "--disable-usage-stats"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in this terminal is not for it
        )
    started = psutil.Process(process.pid).create_time()
    NOTE.write_text(json.dumps({"pid": process.pid, "started": started}))
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if _STARTED in LOG.read_text():
            address = f"http://127.0.0.1:{dashboard_port}"
            print(f"a Ray cluster runs on loopback; its log is {LOG}")
            print(f"    RAY_API_SERVER_ADDRESS={address} ray job submit -- python study/run.py ...")
            print("    make cluster-stop")
            return 0
        time.sleep(0.2)
    print(f"make cluster: Ray did not start:\n{LOG.read_text()[-2000:]}", file=sys.stderr)
    _stop()
    return 1


def running() -> psutil.Process | None:
    """The cluster's process, if it runs; another one that has got its number is not it."""
    try:
        note = json.loads(NOTE.read_text())
        process = psutil.Process(note["pid"])
        same = abs(process.create_time() - note["started"]) < 1
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None


def _stop() -> int:
    process = running()
    if process is None:
        print("make cluster-stop: no cluster of this folder runs")
        NOTE.unlink(missing_ok=True)
        return 0
    members = with_descendants([process])
    process.terminate()  # it ends what it started
    _, alive = psutil.wait_procs(members, timeout=_GRACE_S)
    for left in with_descendants(alive):
        left.kill()
    NOTE.unlink(missing_ok=True)
    print("the cluster has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
