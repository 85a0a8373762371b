"""What each reported metric is: direction, unit, range, source. No torch: all can read it."""

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    direction: Literal["max", "min"]
    unit: str
    low: float
    high: float
    source: str


TOLERANCES_PX = (1, 3)
"""Tolerances at which boundary F is reported, in pixels of the evaluated map."""

METRICS: dict[str, Metric] = {
    "miou": Metric("max", "fraction", 0, 1, "TP / (TP + FP + FN), mean over occurring classes"),
    "pixel_accuracy": Metric("max", "fraction", 0, 1, "valid pixels whose class is right"),
    **{
        f"boundary_f_{tolerance}px": Metric(
            "max",
            "fraction",
            0,
            1,
            f"contour F of Perazzi et al. (DAVIS, 2016) at {tolerance} px, by class and image",
        )
        for tolerance in TOLERANCES_PX
    },
}
"""Names as in the ledger and in MLflow; figures of the test list carry ``test_`` before them."""
