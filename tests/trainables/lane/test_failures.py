"""Every failure is classified by the remedy that it needs."""

import errno

import pytest
import ray
import torch

from trainables.config import TrialConfig, flatten
from trainables.data import DataError
from trainables.lane.error_kind import kind_of
from trainables.lane.halving import halved
from trainables.lane.lane import is_shortage


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "memory"),
        (RuntimeError("CUDA error: out of memory"), "memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate"),
            "memory",
        ),
        (MemoryError(), "memory"),
        (DataError("val/3.png: cannot be read"), "data"),
        (OSError(errno.ENOSPC, "No space left on device"), "storage"),
        (OSError(errno.EROFS, "Read-only file system"), "storage"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "FileNotFoundError"),
        (RuntimeError("shapes do not match"), "RuntimeError"),
        (ValueError("out of memory"), "ValueError"),
    ],
)
def test_a_failure_is_classified_by_its_remedy(error: Exception, kind: str) -> None:
    assert kind_of(error) == kind


def test_a_real_allocation_that_fails_is_a_memory_failure() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60)
    assert kind_of(raised.value) == "memory"


def test_half_the_batch_with_twice_the_accumulation_is_the_same_step() -> None:
    flat = flatten(TrialConfig().changed({"batch": 8, "optim/accumulate": 3}))
    changes = halved(flat, workers=2)
    assert changes == {"batch": 4, "optim/accumulate": 6}
    assert TrialConfig().changed(changes).batch == 4
    assert halved({**flat, "batch": 7}, workers=1) == {}
    assert halved({**flat, "batch": 4}, workers=4) == {}


def test_only_a_worker_that_ray_killed_for_memory_is_a_shortage() -> None:
    killed = "Task was killed due to the node running low on memory"
    assert is_shortage(ray.exceptions.OutOfMemoryError(killed))
    assert not is_shortage(RuntimeError("CUDA out of memory"))  # the rank itself reports this one
    assert not is_shortage(ray.exceptions.ActorDiedError())
