"""The event that has the cost of a network."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.ledger.event import Event


@dataclass(frozen=True, kw_only=True)
class NetworkMeasured(Event):
    """What one of the study's networks costs in use (``trainables/training/cost.py``)."""

    name = "network"
    key: str
    """Of ``study/analysis/costs.py``: trials with equal keys have equal costs."""
    parameters: int
    gflops: float
    milliseconds: float
    peak_megabytes: float | None = None
    size: Sequence[int]
    """Rows and columns of the image."""
    device: str
    evaluated: str = "single scale, whole images"
    """How the image was predicted; studies that do not say it predicted it so."""
