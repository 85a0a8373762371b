"""What losses cost on the device, beside a floor of bytes and beside a training step."""

import statistics
import warnings

import torch

from tests.benchmarks import loss_step
from tests.benchmarks.bytes_moved import moved
from tests.benchmarks.losses import scene
from tests.benchmarks.measuring import Work, elapsed, peak_bytes
from tests.benchmarks.terms import floor_bytes, works
from tests.gpu import scale
from tests.gpu.table import Lines, judged, not_measured, timed

CHECK = "cost of losses"
_FLOORS = 2.0
_OF_OPERATIONS = 1.5
"""Where a loss is slower than that: the most, as a multiple of what its operations move."""
_LAUNCH_MS = 0.01
"""Or of each operation, where the host's launches take longer than the device's work."""
_SHARE = 10.0
"""Percent of a step that all boundary losses together may add."""
_COPIED = 2**28
"""Bytes of the copy that measures the memory's speed."""


def lines(device: torch.device) -> Lines:
    bandwidth = _bytes_a_ms(device)
    # Of a toy, a second table shows no more.
    for dtype in (torch.float32, torch.bfloat16)[: 1 if device.type == "cpu" else 2]:
        yield from _of_losses(dtype, bandwidth, device)
        yield from _of_a_step(dtype, device)


def _bytes_a_ms(device: torch.device) -> float:
    """Of memory that is copied: read and written."""
    source = torch.empty(_COPIED if device.type == "cuda" else 2**16, dtype=torch.uint8).to(device)
    target = torch.empty_like(source)
    times = [elapsed(lambda: (target.copy_(source), None)[1], device.type) for _ in range(9)]
    return 2 * source.nbytes / max(statistics.median(times), 1e-6)


def _of_losses(dtype: torch.dtype, bandwidth: float, device: torch.device) -> Lines:
    size, word = scale.of(device), str(dtype).removeprefix("torch.")
    _, labels_BHW = scene(size.logits, device.type, dtype)
    every, counted = works(size.logits, dtype, labels_BHW), moved(size.logits, dtype)
    logits = torch.Size(size.logits).numel() * dtype.itemsize
    waiting = {}
    for name, work in every.items():
        work()
        waiting[name] = _waits(work, device)
        memory = peak_bytes(work, device.type) / logits
        ms = statistics.median(elapsed(work, device.type) for _ in range(size.rounds))
        floor = floor_bytes(name, size.logits, dtype) / bandwidth
        total, operations = counted[name]
        text = f"{ms:.2f} ms, {ms / floor:.1f} floors, {memory:.1f} x the logits' memory"
        why = _why(ms, floor, total / bandwidth, operations)
        bound = f"at most {_FLOORS:g} floors of {floor:.2f} ms, or said why"
        good = why is not None
        text += f"; {why}" if why else ""
        yield timed(CHECK, f"{name}, {word}", bound, text, good, device)
    what = f"times that the host waits for a loss, {word}"
    if device.type == "cpu":
        yield not_measured(CHECK, what, "needs a GPU")
        return
    text = ", ".join(f"{name} {count}" for name, count in waiting.items() if count) or "none"
    yield judged(CHECK, what, "none", text, text == "none")


def _why(ms: float, floor: float, operations_ms: float, operations: int) -> str | None:
    """Why a loss takes longer than its floors; "" if it does not, None if nothing explains it."""
    if ms <= _FLOORS * floor:
        return ""
    if ms <= _OF_OPERATIONS * operations_ms:
        return f"why: its {operations} operations move {operations_ms / floor:.1f} floors"
    if ms <= _LAUNCH_MS * operations:
        return f"why: the host launches {operations} operations"
    return None


def _waits(work: Work, device: torch.device) -> int:
    """How often the host waits for the device, by torch's own warnings."""
    if device.type == "cpu":
        return 0
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            work()
    finally:
        torch.cuda.set_sync_debug_mode(before)
    return sum("synchroniz" in str(warning.message) for warning in caught)


def _of_a_step(dtype: torch.dtype, device: torch.device) -> Lines:
    size = scale.of(device)
    times = loss_step.medians(size.logits, dtype, size.rounds, device.type)
    plain = times["cross-entropy"]
    for name, ms in times.items():
        added = 100 * (ms / plain - 1)
        together = name == loss_step.TOGETHER
        bound = f"at most {_SHARE:g} %" if together else "-"
        what = f"a step of DeepLabV3-R50, {name}, {str(dtype).removeprefix('torch.')}"
        text = f"{ms:.1f} ms, {added:+.1f} %"
        yield timed(CHECK, what, bound, text, not together or added <= _SHARE, device)
