"""Time and memory of a piece of work, on a CPU or a GPU."""

import time
from collections.abc import Callable

import torch

Work = Callable[[], None]


def elapsed(work: Work, device: str) -> float:
    """Milliseconds: between device events on a GPU, of processor time on a CPU."""
    if device == "cpu":
        start = time.process_time()
        work()
        return 1e3 * (time.process_time() - start)
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    before.record()
    work()
    after.record()
    after.synchronize()
    return before.elapsed_time(after)


def peak_bytes(work: Work, device: str) -> int:
    """The most memory that was allocated at once while it ran."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(profile_memory=True) as profiler:
        work()
    assert profiler.profiler is not None
    events = profiler.profiler.kineto_results.events()
    steps = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    held = peak = 0
    for _, step in sorted(steps, key=lambda step: step[0]):
        held += step
        peak = max(peak, held)
    return peak
