"""Ranks as processes on this machine, for tests that compare many ranks with one."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

PRELOADED = ["trainables.training.training", "torch._dynamo"]
"""The second is imported by every optimiser, and takes seconds."""


def on_ranks(ranks: int, folder: Path, body: Callable[..., None], *arguments: Any) -> None:
    """Run ``body(rank, *arguments)`` in ``ranks`` processes joined by gloo; raise if one fails.

    ``body`` must be importable (top level of a test file); the processes meet in ``folder``. They
    are forks of one server, which imports torch and Edgewise once for all of them.
    """
    meeting = folder / f"meet-{ranks}"
    multiprocessing.set_forkserver_preload(PRELOADED)
    mp.start_processes(
        _enter, (ranks, f"file://{meeting}", body, arguments), ranks, start_method="forkserver"
    )


def _enter(
    rank: int, ranks: int, meeting: str, body: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """Run the body, then exit without Python's shutdown.

    gloo's thread may still free a tensor of the last collective: during a shutdown it would request
    the interpreter lock that is being destroyed, and abort the process.
    """
    torch.set_num_threads(1)
    dist.init_process_group("gloo", meeting, rank=rank, world_size=ranks)
    try:
        body(rank, *arguments)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
