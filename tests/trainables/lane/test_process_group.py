"""A lane's ranks meet on loopback where their node is, and as Ray Train has it elsewhere."""

import subprocess
import sys

import psutil
import pytest
import ray
from ray.train.torch import TorchConfig
from ray.train.torch import config as ray_config

from tests.conftest import ROOT
from trainables.lane import process_group

_MEET = """
import sys
from datetime import timedelta
import psutil, ray, torch
import torch.distributed as dist
from trainables.lane import process_group

rank = int(sys.argv[1])
ray.util.get_node_ip_address = lambda: "127.0.0.1"
if rank == 0:
    port = process_group._listen()
    print(port, flush=True)
else:
    port = int(sys.argv[2])
process_group._join("gloo", rank, 2, port, timedelta(seconds=60))
total = torch.ones(1)
dist.all_reduce(total)
opened = psutil.Process().net_connections("inet")
print(total.item(), sorted({c.laddr.ip for c in opened if c.status == "LISTEN"}), flush=True)
dist.barrier()
dist.destroy_process_group()
"""


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _MEET, *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_ranks_meet_and_listen_on_loopback_alone() -> None:
    """tests/study/execution/test_two_ranks_job.py looks at the ports of a study."""
    first = start("0")
    assert first.stdout is not None
    second = start("1", first.stdout.readline().strip())
    outputs = [first.communicate(timeout=120)[0], second.communicate(timeout=120)[0]]
    assert [first.returncode, second.returncode] == [0, 0]
    assert outputs == ["2.0 ['127.0.0.1']\n"] * 2


def test_on_a_node_with_another_address_ray_train_sets_the_group_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "192.168.1.10")
    assert process_group._listen() is None


def test_the_loopback_interface_has_the_address() -> None:
    found = psutil.net_if_addrs()[process_group.loopback_interface()]
    assert "127.0.0.1" in [address.address for address in found]


def test_this_ray_has_the_private_parts_that_are_used() -> None:
    assert isinstance(TorchConfig().backend_cls, type)
    assert issubclass(process_group._LoopbackBackend, TorchConfig().backend_cls)
    assert hasattr(ray_config, "_set_torch_distributed_env_vars")
