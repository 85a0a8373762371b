"""How long the steps of an epoch wait for their batches."""

from collections.abc import Iterator
from time import perf_counter

import torch

from trainables.data.batch import Batch

Mark = float | torch.cuda.Event
"""A moment: of the host's clock or, on a GPU, of the stream on which steps run."""


class Waiting:
    """Measures the share of an epoch in which no step runs, because its batch is not there yet.

    Steps on a GPU are only queued by the host, which may wait for a batch while the GPU is still
    busy. So the GPU itself notes when it has ended one step and when it may begin the next: between
    the two it waited for data, or augmented them. On a CPU the host's clock says the same.
    """

    def __init__(self, device: torch.device) -> None:
        """The epoch begins."""
        self._device = device
        self._waits: list[tuple[Mark, Mark]] = []
        self._begin = self._mark()

    def timed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches."""
        while True:
            begin = self._mark()
            batch = next(batches, None)
            self._waits.append((begin, self._mark()))
            if batch is None:
                return
            yield batch

    def share(self) -> float:
        """Of the epoch, which ends now, in [0,1]. Waits for the device."""
        end = self._mark()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        total = _between(self._begin, end)
        return sum(_between(*wait) for wait in self._waits) / total if total else 0.0

    def _mark(self) -> Mark:
        if self._device.type != "cuda":
            return perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event


def _between(begin: Mark, end: Mark) -> float:
    if isinstance(begin, float) or isinstance(end, float):
        assert isinstance(begin, float)
        assert isinstance(end, float)
        return end - begin
    return float(begin.elapsed_time(end))
