"""A trial's results as types, and as the dict that Tune carries.

Tune's schedulers and searchers read a metric at the top level of the dict, so metrics are there
among other keys of Edgewise and Tune; ``metric_names`` lists them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from trainables.config.validation import Value
from trainables.lane.failures import Failure


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """One epoch whose checkpoint is written."""

    epoch: int
    """Counted from 1."""
    metrics: dict[str, float]
    """Of all ranks together: validation metrics, and loss terms as ``train/NAME``."""
    lane: str
    train_s: float
    evaluate_s: float
    system: dict[str, float]
    """The lane's use of its machines, as ``Usage.sample`` gives it."""
    changes: dict[str, int] = field(default_factory=dict)
    """Config fields that the trial ran with in place of its own (``--on-oom halve``)."""
    start_s: float | None = None
    """Seconds from the trial's assignment to its start on the lane; only with its first epoch."""
    held: dict[str, Value] = field(default_factory=dict)
    """By path, the trial's parameters that its losses, optimiser and stages have used, with the
    values that these hold; only with an epoch that uses more than those before it."""
    done: bool


@dataclass(frozen=True, kw_only=True)
class FailedTrial:
    """The end of a trial, though not of its lane."""

    failure: Failure
    epoch: int
    """The last epoch whose checkpoint is written; 0 if there is none."""
    lane: str


def to_tune(report: EpochReport | FailedTrial) -> dict[str, object]:
    """The dict that ``Trial.step`` returns; it is also stored, as JSON, with the checkpoint."""
    result: dict[str, object] = asdict(report)
    if isinstance(report, FailedTrial):
        return {**result, "done": True}
    metrics = result.pop("metrics")
    assert isinstance(metrics, dict)
    optional = [name for name in ("changes", "start_s", "held") if result[name] in ({}, None)]
    for name in optional:
        del result[name]
    return {**metrics, "metric_names": list(metrics), **result}


def from_tune(result: Mapping[str, Any]) -> EpochReport | FailedTrial:
    """Read a result from Tune or from a checkpoint.

    In checkpoints of earlier versions, which lack ``metric_names``, every other key is a metric.
    """
    if failure := result.get("failure"):
        return FailedTrial(failure=Failure(**failure), epoch=result["epoch"], lane=result["lane"])
    names = result.get("metric_names")
    if names is None:
        names = [name for name in result if name not in EpochReport.__dataclass_fields__]
    return EpochReport(
        epoch=result["epoch"],
        metrics={name: result[name] for name in names},
        lane=result["lane"],
        train_s=result["train_s"],
        evaluate_s=result["evaluate_s"],
        system=result["system"],
        changes=result.get("changes", {}),
        start_s=result.get("start_s"),
        held=result.get("held", {}),
        done=result["done"],
    )
