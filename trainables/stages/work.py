"""How the training of a stage is carried out; nothing of it decides the network."""

from dataclasses import dataclass, field
from time import monotonic

import torch

from trainables.stages.result import ReportProgress, ignore_progress
from trainables.stages.unfinished import Unfinished

CPU = torch.device("cpu")


@dataclass
class Work:
    """Where a stage is trained, and what is written meanwhile."""

    report: ReportProgress = ignore_progress
    device: torch.device = CPU
    unfinished: Unfinished | None = None
    """Of the kinds that can continue."""
    earlier_s: float = 0.0
    """Seconds of the processes that died."""
    began: float = field(default_factory=monotonic)

    @property
    def seconds(self) -> float:
        """Of the training so far, in all processes."""
        return self.earlier_s + monotonic() - self.began
