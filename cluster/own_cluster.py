"""What a cluster that this process started leaves behind: processes, and the folder of its session.

``ray.shutdown`` does not wait for its agents, which may take a minute to notice that their raylet
is gone, and leaves the folder, megabytes of logs. Nothing of another cluster is touched.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_GRACE_S = 3.0
"""How long a process may take to end in order."""


@dataclass
class OwnCluster:
    """The cluster that this process started."""

    folder: Path
    """Of its session."""
    members: list[psutil.Process]
    """Its processes when it had started, which start the others."""
    keep_logs: bool = False
    """Whether the folder stays, for its logs, and is named to the user."""

    def processes(self) -> list[psutil.Process]:
        """Its processes now, also those that have outlived their parent."""
        return with_descendants(self.members)

    def kill(self) -> None:
        """End all of it at once, and remove the folder."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        self.remove_folder()

    def remove_folder(self) -> None:
        """Remove the session's folder, and Ray's links to it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            for link in self.folder.parent.iterdir():
                if link.is_symlink() and self.folder.name in os.readlink(link):
                    link.unlink(missing_ok=True)


_running: OwnCluster | None = None


@contextmanager
def own_cluster() -> Iterator[OwnCluster]:
    """The cluster that ``ray.init`` has started in this process; it ends here, completely.

    After an error its folder stays for the logs, and a line names it.
    """
    global _running
    import ray

    from cluster.ray_private import session_path, started_processes

    cluster = _running = OwnCluster(session_path(), with_descendants(started_processes()))
    try:
        yield cluster
    except Exception:
        cluster.keep_logs = True
        raise
    finally:
        members = cluster.processes()
        ray.shutdown()
        _end(members)
        _running = None
        if not cluster.keep_logs:
            cluster.remove_folder()
        elif cluster.folder.exists():
            print(f"Ray's logs of this study stay in {cluster.folder / 'logs'}", file=sys.stderr)


def with_descendants(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those of these processes that live, and all that they started."""
    found: dict[int, psutil.Process] = {}
    for process in processes:
        with suppress(psutil.Error):
            if process.is_running():  # and its number is not another process's by now
                found[process.pid] = process
                found |= {child.pid: child for child in process.children(recursive=True)}
    return list(found.values())


def _end(members: list[psutil.Process]) -> None:
    for process in members:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(members, _GRACE_S)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()


def kill_own_cluster() -> None:
    """End the cluster that this process started at once, if there is one: the process is about to
    end without leaving its contexts."""
    if _running is not None:
        _running.kill()
