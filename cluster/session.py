"""Attach to the cluster that RAY_ADDRESS names, or start one on this machine.

A cluster that was started here also ends here; one that existed before keeps running.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import autoscaler
from cluster.resources import Node
from cluster.validation import require

_ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("study", "trainables", "search_spaces", "cluster")
"""The import packages of this repository, which every worker needs."""
_HEAD = "node:__internal_head__"
"""A resource that only the head has."""
_QUIET = {
    # The ledger is the record, so Tune's own tables would only repeat it.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Nothing is restored from Tune's state, which takes 68 kB per trial and is rewritten every few
    # seconds.
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    # A failed trial reports its failure and no metric.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # A lane may wait for an autoscaler's machines, or for those of another study.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1800",
    # A lane is half a dozen small actors, which may start together.
    "RAY_worker_maximum_startup_concurrency": "16",
}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Makes Ray bind to 127.0.0.1 only, its default outside Linux. Ray reads it when it is imported."""
_PATIENCE_S = 10.0
"""How long to wait for the head that RAY_ADDRESS names."""
_API_SERVER = "RAY_API_SERVER_ADDRESS"
"""Names the cluster that every worker belongs to. Without it, Ray Train's cleaner asks the cluster
that was started last on this machine whether the controller is alive. It would then free the worker
group of a running study, or never free that of a study that has ended."""


def attached() -> bool:
    """Whether RAY_ADDRESS names a cluster; ``ray job submit`` sets it, or the user."""
    return bool(os.environ.get("RAY_ADDRESS"))


def shipped() -> bool:
    """Whether ``ray job submit --working-dir`` sent this code, into a folder that will vanish."""
    return "runtime_resources" in _ROOT.parts


def local_node() -> Node:
    """This machine, as the one node of the cluster that would start on it."""
    from cluster.ray_private import local_gpus

    return Node(cpus=os.cpu_count() or 1, gpus=local_gpus())


def cluster_nodes() -> list[Node]:
    """The machines of the attached cluster, and those that its autoscaler may still add."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]
    names = [node["NodeManagerHostname"] for node in alive]
    # Several nodes on one host share its name and need a part of their ids.
    here = [
        Node(
            cpus=node["Resources"].get("CPU", 0.0),
            gpus=node["Resources"].get("GPU", 0.0),
            name=name if names.count(name) == 1 else f"{name}/{node['NodeID'][:6]}",
        )
        for node, name in zip(alive, names, strict=True)
    ]
    # The autoscaler's limits do not include the head.
    workers = [node for node, raw in zip(here, alive, strict=True) if _HEAD not in raw["Resources"]]
    return [*here, *autoscaler.may_join(workers)]


@contextmanager
def ray_session(object_store_bytes: int, verbose: bool = False) -> Iterator[None]:
    """Run Ray for one study, with this repository importable on every worker."""
    # The user's own setting of a variable wins.
    defaults = _QUIET if attached() else {**_QUIET, **_LOOPBACK}
    os.environ.update({name: os.environ.get(name, value) for name, value in defaults.items()})
    quiet: dict[str, object] = {
        "log_to_driver": verbose,
        "logging_level": logging.INFO if verbose else logging.ERROR,
    }
    import ray

    if attached():
        _attach(runtime_env=_runtime_env(), **quiet)
    else:
        _start(object_store_memory=object_store_bytes, **quiet)
    try:
        yield
    finally:
        ray.shutdown()
        if not attached():
            os.environ.pop(_API_SERVER, None)


def _start(**options: object) -> None:
    """Start a cluster on this machine, reachable from it alone."""
    import ray

    # Workers start in a folder of Ray's: the path is how they find this repository.
    paths = (str(_ROOT), os.environ.get("PYTHONPATH"))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    port = _free_port()
    os.environ[_API_SERVER] = f"http://127.0.0.1:{port}"
    # The dashboard stays on: Ray Train asks its State API to free a stopped worker group.
    with _ignored_by_children(signal.SIGHUP, signal.SIGQUIT):
        ray.init(
            address="local",
            include_dashboard=True,
            dashboard_host="127.0.0.1",
            dashboard_port=port,
            **options,
        )


@contextmanager
def _ignored_by_children(*numbers: signal.Signals) -> Iterator[None]:
    """Start processes that ignore these signals. A terminal sends them to all processes at once;
    only the driver may act on them, and end the others in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: set by a library in C


def _attach(**options: object) -> None:
    """Connect to the cluster of RAY_ADDRESS.

    Raises:
        ValueError: the cluster does not answer, or it requires a token.
    """
    import ray

    require_answer(os.environ["RAY_ADDRESS"])
    try:
        ray.init(**options)
    except ConnectionError:
        raise ValueError(
            f"RAY_ADDRESS must be a cluster that answers, got {os.environ['RAY_ADDRESS']!r}; if it "
            f"requires a token (as `ray start` makes it): RAY_AUTH_MODE=token"
        ) from None


def require_answer(address: str) -> None:
    """Check that a head answers at an address, before Ray tries it.

    Ray itself would retry for minutes, and report the address of a dashboard or of a Ray client as
    an internal error.

    Raises:
        ValueError: it is not the address of a head, or nothing listens there.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    is_head = bool(host) and "/" not in address and port.isdigit()
    allowed = "auto or a head's HOST:PORT (6379, neither the dashboard's 8265 nor ray://)"
    require(is_head, "RAY_ADDRESS", allowed, address)
    from cluster.ray_private import address_for_localhost

    host, why = host.strip("[]"), ""
    for name in (host, address_for_localhost(host)):  # Ray replaces the first by the second
        try:
            return socket.create_connection((name, int(port)), _PATIENCE_S).close()
        except (OSError, OverflowError) as error:
            why = why or str(error)
    raise ValueError(f"RAY_ADDRESS must be a cluster that answers, got {address!r}: {why}")


def _runtime_env() -> dict[str, object]:
    """The runtime environment of workers: this code, unless the job shipped it."""
    env: dict[str, object] = {"env_vars": {**_QUIET, "RAY_ADDRESS": os.environ["RAY_ADDRESS"]}}
    if not shipped():
        env["py_modules"] = [str(_ROOT / package) for package in PACKAGES]
    return env


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
