"""What losses cost on the device, beside a floor of bytes and beside a training step."""

import statistics

import torch

from tests.benchmarks import loss_step
from tests.benchmarks.losses import floor_ms, measured, scene, workloads
from tests.gpu import scale
from tests.gpu.table import Lines, timed

CHECK = "cost of losses"
_FLOORS = 2.0
_SHARE = 10.0
"""Percent of a step that all boundary losses together may add."""


def lines(device: torch.device) -> Lines:
    size = scale.of(device)
    for dtype in (torch.float32, torch.bfloat16):
        word = str(dtype).removeprefix("torch.")
        logits_BKHW, labels_BHW = scene(size.logits, device.type, dtype)
        floor = floor_ms(logits_BKHW, labels_BHW)
        times, memory = measured(workloads(logits_BKHW, labels_BHW), logits_BKHW, size.rounds)
        for name, values in times.items():
            ms = statistics.median(values)
            text = f"{ms:.2f} ms, {ms / floor:.1f} floors, {memory[name]:.1f} x the logits' memory"
            bound, good = f"at most {_FLOORS:g} floors of {floor:.2f} ms", ms <= _FLOORS * floor
            yield timed(CHECK, f"{name}, {word}", bound, text, good, device)
        if device.type != "cpu" or dtype == torch.float32:  # a toy's second table shows no more
            yield from _of_a_step(dtype, device)


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
