"""Delta_m: the mean relative gain of a network of several tasks over networks of one task each.

It needs no torch, so that a report can compute it.
"""

import math
from collections.abc import Mapping

from trainables.config import require
from trainables.metrics.catalog import METRICS


def delta_m(multi: Mapping[str, float], single: Mapping[str, float]) -> float:
    """The mean relative gain of a multi-task model over single-task models; 0.01 is 1 %.

    It is the mean over tasks of (m - b) / b, with the sign reversed for metrics where less is
    better, so a gain is positive. InverseForm's text (4.2) has the opposite sign to its own table,
    ASTMT's equation and the public code, which this function follows. NaN if a baseline is 0 or
    NaN.

    Args:
        multi: value by the catalog's name of the metric, such as ``depth_rmse``, of the model.
        single: the same for the single-task models, the baseline b.

    Raises:
        ValueError: if the two differ in their metrics, or one is not in the catalog.
    """
    if set(multi) != set(single) or not multi:
        raise ValueError(
            f"multi and single must hold the same metrics, got {sorted(multi)} and {sorted(single)}"
        )
    return sum(gain(name, multi[name], single[name]) for name in multi) / len(multi)


def gain(metric: str, multi: float, single: float) -> float:
    """One task's part of Delta_m: positive where ``multi`` is better; NaN if ``single`` is 0."""
    return _direction(metric) * (multi - single) / single if single else math.nan


def _direction(name: str) -> int:
    require(name in METRICS, "metric", f"one of {', '.join(METRICS)}", name)
    return 1 if METRICS[name].direction == "max" else -1
