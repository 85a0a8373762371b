"""The checks before the first trial starts.

``many_machines.py`` has the checks that compare machines.
"""

import shutil
from pathlib import Path

from cluster.preflight.check import Check, Machine, Needs
from cluster.preflight.many_machines import checks_across
from cluster.preflight.tracking import status, tracking_checks
from cluster.session_folder import find_folder, remedy

_SHM = Path("/dev/shm")
_HTTP_S = 5.0
_MIB = 2**20


def local_checks(needs: Needs) -> list[Check]:
    """The checks of this machine, which need no Ray and take milliseconds."""
    return [
        *tracking_checks(needs.tracking_uri),
        _disk(needs),
        _local_shm(needs.object_bytes),
        _session_folder(),
    ]


def cluster_checks(needs: Needs) -> list[Check]:
    """The checks of the cluster that this process is attached to."""
    machines = _machines()
    checks = [
        *tracking_checks(needs.tracking_uri),
        _disk(needs),
        _state_api(),
        _token(),
        _store(machines, needs),
    ]
    if len(machines) > 1:
        checks += checks_across(machines, needs)
    return checks


def _machines() -> list[Machine]:
    import ray

    return [
        Machine(
            id=node["NodeID"],
            name=f"{node['NodeManagerHostname']}/{node['NodeID'][:6]}",
            cpus=node["Resources"].get("CPU", 0.0),
            object_store_bytes=node["Resources"].get("object_store_memory", 0.0),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]


def _disk(needs: Needs) -> Check:
    """Check that the storage has room for the checkpoints."""
    free = shutil.disk_usage(needs.storage).free
    found = (
        f"checkpoints need {needs.storage_bytes / 1e9:.3f} GB, {free / 1e9:.3f} GB are free in "
        f"{needs.storage}"
    )
    if free >= needs.storage_bytes:
        return Check("disk", "ok", found)
    return Check("disk", "fail", found, "free some, or give another --storage")


def _local_shm(needed: int) -> Check:
    if not _SHM.is_dir():
        return Check("shared memory", "ok", "no /dev/shm on this system")
    free = shutil.disk_usage(_SHM).free
    found = f"the study needs {needed // _MIB} MiB of /dev/shm, {free // _MIB} are free"
    if free >= needed:
        return Check("shared memory", "ok", found)
    return Check(
        "shared memory",
        "warn",
        found,
        "make it larger (docker --shm-size), else Ray uses the disk",
    )


def _session_folder() -> Check:
    found, name = find_folder(), "Ray's folder"
    if found.base is None:
        return Check(name, "fail", found.problem, remedy())
    if found.problem:
        return Check(name, "warn", found.problem, f"{found.base} is used instead")
    return Check(name, "ok", str(found.base))


def _state_api() -> Check:
    """Check the State API: Ray Train looks up the owners of stopped lanes there to free them."""
    from ray.util.state import list_nodes
    from ray.util.state.exception import RayStateApiException

    try:
        list_nodes(limit=1, timeout=int(_HTTP_S))
    except (RayStateApiException, OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return Check(
            "dashboard and State API",
            "fail",
            reason[:160],
            "start the head with --include-dashboard true and ray[default]",
        )
    return Check("dashboard and State API", "ok", "answer")


def _token() -> Check:
    """Check that the dashboard refuses a request without a token; an open one runs any code."""
    from cluster.ray_private import dashboard_address

    address = dashboard_address()
    # The job API runs any command that it receives, so a token must protect it above all.
    code = status(f"http://{address}/api/jobs/") if address else 0
    if code in (401, 403):
        return Check("token", "ok", "the cluster requires one")
    return Check(
        "token",
        "warn",
        f"{address} runs any code that anyone sends to it",
        "start the cluster with RAY_AUTH_MODE=token (CVE-2023-48022)",
    )


def _store(machines: list[Machine], needs: Needs) -> Check:
    """Check that each machine's object store has room for the complete dataset."""
    # Lanes need CPUs; a head without any holds no dataset.
    with_lanes = [machine for machine in machines if machine.cpus] or machines
    least = min(machine.object_store_bytes for machine in with_lanes)
    found = (
        f"at least {least / _MIB:.0f} MiB per machine for the {needs.object_bytes // _MIB} needed"
    )
    if least >= needs.object_bytes:
        return Check("object store", "ok", found)
    return Check(
        "object store",
        "fail",
        found,
        "start Ray with a larger --object-store-memory, or read from disk: --cache off",
    )
