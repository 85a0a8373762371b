"""What torch holds for the whole process, and not for a network, as a trial's config says it.

A lane runs one trial after the other in one process, and a test task may follow either. So every
training and every evaluation sets all of it, also to torch's own defaults: nothing is inherited.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from trainables.config import OptimConfig, Value, require
from trainables.training import compiled

_WORKSPACE, _FIXED = "CUBLAS_WORKSPACE_CONFIG", (":4096:8", ":16:8")
"""cuBLAS repeats its sums in the same order with such a workspace alone, and reads the variable at
its first product."""
_REFUSED = "does not have a deterministic implementation"
_BF16_SINCE = (8, 0)
"""CUDA's compute capability; an older card computes bf16 by way of fp32, slowly."""


class Settings(NamedTuple):
    """torch's own are the defaults."""

    deterministic: bool = False
    cudnn_deterministic: bool = False
    benchmark: bool = False
    tf32_convolutions: bool = True
    tf32_products: bool = False


def of(optim: OptimConfig, device: torch.device, *, training: bool) -> Settings:
    """What a config means on a device; on a CPU, fields that only GPUs use are not even read."""
    fixed = optim.deterministic
    if device.type != "cuda":
        return Settings(fixed, fixed)
    timed, tf32 = training and optim.cudnn_benchmark, optim.tf32
    return Settings(fixed, fixed, timed, tf32 != "none", tf32 == "all")


def use(optim: OptimConfig, device: torch.device, *, training: bool) -> None:
    """Set the process up for a training, or an evaluation, by this config.

    Raises:
        ValueError: the device has no bf16, or cuBLAS has started without a fixed workspace.
    """
    if device.type == "cuda":
        _require_workspace(optim.deterministic)  # first: asking for the card starts CUDA
        _require_bf16(optim, device)
    _set(of(optim, device, training=training))


def reset() -> None:
    """Set torch's own defaults, for what belongs to no trial, such as a stage that several use."""
    _set(Settings())


@contextmanager
def restored() -> Iterator[None]:
    """Have the process afterwards as it was: it may be the user's own."""
    before = current()
    try:
        yield
    finally:
        _set(before)


def current() -> Settings:
    """What torch holds now."""
    return Settings(
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        # By their newer names, which can be read whatever names they were set by.
        torch.backends.cudnn.conv.fp32_precision == "tf32",  # type: ignore[attr-defined]
        torch.backends.cuda.matmul.fp32_precision == "tf32",
    )


def held(optim: OptimConfig, device: torch.device) -> dict[str, Value]:
    """By config path, what torch holds in a training on this device."""
    now = current()
    found: dict[str, Value] = {"optim/deterministic": now.deterministic}
    if device.type == "cuda":
        found["optim/cudnn_benchmark"] = now.benchmark
        found["optim/tf32"] = _tf32(now)
    return found


def _tf32(now: Settings) -> str:
    if now.tf32_products:
        return "all" if now.tf32_convolutions else "products"
    return "convolutions" if now.tf32_convolutions else "none"


def _set(wanted: Settings) -> None:
    if wanted.deterministic != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(wanted.deterministic)  # the first call takes seconds
    torch.backends.cudnn.deterministic = wanted.cudnn_deterministic
    torch.backends.cudnn.benchmark = wanted.benchmark
    # Set by the newer names alone, these two could not be read any more, which others do.
    torch.backends.cudnn.allow_tf32 = wanted.tf32_convolutions
    torch.backends.cuda.matmul.allow_tf32 = wanted.tf32_products


def fix_workspace() -> None:
    """Let cuBLAS start with a workspace that ``optim/deterministic`` needs, whichever trial is the
    process's first. Call it before the first product on a GPU."""
    os.environ.setdefault(_WORKSPACE, _FIXED[0])


def _require_workspace(deterministic: bool) -> None:
    if not torch.cuda.is_initialized():
        fix_workspace()
    if deterministic:
        allowed = f"false where {_WORKSPACE} is not {' or '.join(_FIXED)} when the process starts"
        fixed = os.environ.get(_WORKSPACE) in _FIXED
        require(fixed, "optim/deterministic", allowed, deterministic)


def _require_bf16(optim: OptimConfig, device: torch.device) -> None:
    if optim.precision == "bf16":
        found = torch.cuda.get_device_capability(device)
        name = torch.cuda.get_device_name(device)
        allowed = f"fp32 or fp16 on {name}, which computes bf16 only by way of fp32"
        require(found >= _BF16_SINCE, "optim/precision", allowed, optim.precision)


def explained(error: BaseException) -> str:
    """One line for what torch refuses because of a field of ``optim``; "" for any other error."""
    operation, found, _ = str(error).partition(_REFUSED)
    if not found:
        return compiled.explained(error)
    return f"optim/deterministic must be false: {operation.strip()} has no deterministic form here"
