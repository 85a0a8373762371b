"""Metrics of plug-ins among those of the catalog. It needs no torch, as the catalog."""

from collections.abc import Mapping

from trainables.metrics.catalog import METRICS, Metric

_of_plugins: dict[str, Metric] = {}
"""Those that ``declare`` has added."""


def declare(metrics: Mapping[str, Metric]) -> None:
    """Add the metrics of a plug-in, so that every reader knows their units and directions.

    A ledger's plan has them as data: its plug-in need not be executed.

    Raises:
        ValueError: a name is Edgewise's own, or has another unit or direction in this process.
    """
    for name, metric in metrics.items():
        if name in METRICS and name not in _of_plugins:
            raise ValueError(f"{name!r} is Edgewise's own metric")
        known = _of_plugins.get(name, metric)
        if (known.direction, known.unit) != (metric.direction, metric.unit):
            raise ValueError(
                f"the metric {name!r} must be {known.direction} in {known.unit}, as another study "
                f"of this process has it, got {metric.direction} in {metric.unit}"
            )
    METRICS.update(metrics)
    _of_plugins.update(metrics)


def built_in() -> dict[str, Metric]:
    """Edgewise's own among ``METRICS``."""
    return {name: metric for name, metric in METRICS.items() if name not in _of_plugins}
