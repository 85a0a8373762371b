"""Attach to the cluster that RAY_ADDRESS names, or start one on this machine.

A cluster that was started here also ends here; one that existed before keeps running.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path

from cluster import accelerators, autoscaler
from cluster.own_cluster import OwnCluster, own_cluster
from cluster.resources import Node
from cluster.session_folder import session_folder
from cluster.start_errors import start_error
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
    # For ``ray list tasks``: by default the head keeps 100 000 tasks, 3 kB each.
    "RAY_task_events_max_num_task_in_gcs": "1000",
    # A process for each worker group, which warns ranks that their machine will be reclaimed. They
    # have nothing to save: the trial holds the state of its last epoch.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    # A lane may wait for an autoscaler's machines, or for those of another study.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1800",
    # Workers that start in advance are never used, since each actor of Tune has an environment of
    # its own; but they import Ray while the driver waits for it.
    "RAY_prestart_worker_first_driver": "0",
    # A lane is half a dozen small actors, which may start together.
    "RAY_worker_maximum_startup_concurrency": "16",
}
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
    from cluster.ray_private import local_gpu_type, local_gpus

    cpus, known = os.cpu_count() or 1, accelerators.have_bf16([local_gpu_type()])
    return Node(cpus=cpus, gpus=local_gpus(), has_bf16=known)


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
            has_bf16=accelerators.have_bf16(accelerators.types(node["Resources"])),
        )
        for node, name in zip(alive, names, strict=True)
    ]
    # The autoscaler's limits do not include the head.
    workers = [node for node, raw in zip(here, alive, strict=True) if _HEAD not in raw["Resources"]]
    return [*here, *autoscaler.may_join(workers)]


@contextmanager
def ray_session(object_store_bytes: int, verbose: bool = False) -> Iterator[OwnCluster | None]:
    """Run Ray for one study, with this repository importable on every worker; yields the cluster
    if it is this study's own."""
    # The user's own setting of a variable wins.
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
    quiet: dict[str, object] = {
        "log_to_driver": verbose,
        # While it starts, what Ray has to say is said by the one line of an error.
        "logging_level": logging.INFO if verbose else logging.CRITICAL,
    }
    import ray

    with ExitStack() as stack:
        given_paths, own = _given_paths(), None
        # Ray puts the folder that it is started from first on every worker's path, before Python's
        # own library: a study.py or queue.py lying there would be imported instead of ours.
        with chdir(_ROOT):
            if attached():
                _attach(runtime_env=_runtime_env(), **quiet)
                stack.callback(ray.shutdown)
            else:
                folder = stack.enter_context(session_folder())
                own = _start(
                    stack,
                    given_paths,
                    object_store_memory=object_store_bytes,
                    _temp_dir=folder,
                    **quiet,
                )
        logging.getLogger("ray").setLevel(logging.INFO if verbose else logging.ERROR)
        yield own


def _given_paths() -> list[str]:
    """The user's PYTHONPATH, absolute; without this folder if a module in it shadows Python's."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = dict.fromkeys(os.path.abspath(path) for path in given if path)
    here = Path.cwd()
    names = {path.stem for path in here.glob("*.py")}
    names |= {path.parent.name for path in here.glob("*/__init__.py")}
    left_out = {str(_ROOT), str(here) if names & sys.stdlib_module_names else ""}
    return [path for path in paths if path not in left_out]


def _start(stack: ExitStack, given_paths: list[str], **options: object) -> OwnCluster:
    """Start a cluster on this machine, which only this machine and only this study can reach.

    Raises:
        ValueError: it does not start; the line says what to do.
    """
    import ray

    from cluster.ray_private import closed_to_others

    stack.enter_context(closed_to_others())
    stack.callback(os.environ.pop, _API_SERVER, None)
    # Workers start in a folder of Ray's: the path is how they find this repository.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(_ROOT), *given_paths])
    port = _free_port()
    os.environ[_API_SERVER] = f"http://127.0.0.1:{port}"
    # The dashboard stays on: Ray Train asks its State API to free a stopped worker group.
    try:
        with _ignored_by_children(signal.SIGHUP, signal.SIGQUIT):
            ray.init(
                address="local",
                include_dashboard=True,
                dashboard_host="127.0.0.1",
                dashboard_port=port,
                **options,
            )
    except Exception as error:  # Ray raises many types, some of them bare exceptions
        ray.shutdown()
        raise start_error(error) from None
    return stack.enter_context(own_cluster())


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
        ValueError: the cluster does not answer, requires a token, or cannot be joined.
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
    except Exception as error:  # other versions of Ray or Python, a full disk, ..
        ray.shutdown()
        raise start_error(error) from None


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
