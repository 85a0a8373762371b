"""How many lanes share a GPU, as ``--gpus-per-worker auto`` has measured it."""

from dataclasses import dataclass
from typing import Literal

from trainables.config.words import counted
from trainables.training.batch_fit import GIB, MIB

AUTO = "auto"
"""The value of ``--gpus-per-worker`` that requests the measurement."""
_WORTH_SAYING_MIB = 100.0
Limit = Literal["", "memory", "utilisation", "CPUs", "trials", "workers"]


@dataclass(frozen=True, kw_only=True)
class GpuShare:
    """The decision and the figures behind it; those of the plan's largest config, alone on a GPU.

    ``Plan.gpus_per_worker`` is the share that follows, and lanes keep it after a resume.
    """

    lanes: int = 0
    """On one GPU; 0: not measured yet, which no ledger has."""
    limited_by: Limit = ""
    """What allows no further lane."""
    device: str = ""
    """The GPU's name."""
    batch: int = 0
    """Images of a step."""
    size: str = ""
    """Of these images, in words."""
    peak_mib: float = 0.0
    """The most that PyTorch held during the steps."""
    context_mib: float = 0.0
    """In use beside it: CUDA's context, libraries, and what other processes held."""
    total_mib: float = 0.0
    """Of the GPU, or of the MIG slice."""
    lists_mib: float = 0.0
    """For lists of images that each lane may hold on the GPU."""
    utilization: float | None = None
    """Percent of a step's time in which the GPU computed; None: it could not be measured."""
    requested: str = AUTO

    def __str__(self) -> str:
        if not self.lanes:
            return "how many share a GPU is measured before the first trial"
        if self.limited_by == "workers":
            return "whole GPUs: ranks of one lane cannot share one"
        busy = "an unknown share" if self.utilization is None else f"{self.utilization:.0f} %"
        said = self.lists_mib >= _WORTH_SAYING_MIB
        lists = f", {_gib(self.lists_mib)} for images" if said else ""
        return (
            f"{counted(self.lanes, 'lane')} a GPU, limited by {self.limited_by}: on {self.device} "
            f"a step of batch {self.batch} of {self.size} took {_gib(self.peak_mib)}{lists} and "
            f"{_gib(self.context_mib)} beside it of {_gib(self.total_mib)}, and computed for "
            f"{busy} of its time"
        )


def _gib(mib: float) -> str:
    return f"{mib * MIB / GIB:.1f} GiB"
