"""How the ranks of a lane find each other: on one machine, without a port that others can reach.

Torch's store and Gloo listen on every interface, or on the one that the host's name leads to. Where
Ray's node has a loopback address (a study's own Ray; ``make cluster``), all ranks are on that
machine, and both listen on 127.0.0.1 alone. On other clusters Ray Train sets the group up.
"""

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import ray
import torch.distributed as dist
from ray.train.torch import TorchConfig

from trainables.lane.ray_private import TorchBackend, set_torch_variables

if TYPE_CHECKING:
    from trainables.lane.ray_private import WorkerGroup

_LOOPBACK = "127.0.0.1"
_listening: list[socket.socket] = []
"""Rank 0's socket between ``_listen`` and ``_join``."""


@dataclass
class LaneTorchConfig(TorchConfig):
    """Ray Train's TorchConfig, whose group stays on loopback where the node does."""

    @property
    def backend_cls(self) -> type[TorchBackend]:
        return _LoopbackBackend


class _LoopbackBackend(TorchBackend):
    def on_start(self, worker_group: "WorkerGroup", backend_config: TorchConfig) -> None:
        port = worker_group.execute_single(0, _listen)
        if port is None:
            super().on_start(worker_group, backend_config)
            return
        worker_group.execute(set_torch_variables)
        has_gpu = worker_group.get_resources_per_worker().get("GPU", 0) > 0
        backend = backend_config.backend or ("nccl" if has_gpu else "gloo")
        timeout, ranks = timedelta(seconds=backend_config.timeout_s), len(worker_group)
        ray.get(
            [
                worker_group.execute_single_async(rank, _join, backend, rank, ranks, port, timeout)
                for rank in range(ranks)
            ]
        )


def _listen() -> int | None:
    """On rank 0: open the store's port on loopback; None if the node has another address."""
    if not ip_address(ray.util.get_node_ip_address()).is_loopback:
        return None
    listener = socket.socket()
    listener.bind((_LOOPBACK, 0))
    listener.listen(128)
    _listening.append(listener)
    return int(listener.getsockname()[1])


def _join(backend: str, rank: int, ranks: int, port: int, timeout: timedelta) -> None:
    """On each rank: join the group through the store on rank 0's port."""
    name = loopback_interface()
    os.environ |= {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}
    os.environ |= {"MASTER_ADDR": _LOOPBACK, "MASTER_PORT": str(port)}
    # Torch closes the descriptor, and only its store without libuv takes one.
    descriptor = _listening.pop().detach() if rank == 0 else None
    store = dist.TCPStore(
        _LOOPBACK,
        port,
        ranks,
        rank == 0,
        timeout,
        master_listen_fd=descriptor,
        use_libuv=False,
    )
    dist.init_process_group(backend, store=store, rank=rank, world_size=ranks, timeout=timeout)


def loopback_interface() -> str:
    """The loopback interface's name: ``lo`` on Linux, ``lo0`` on macOS."""
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
