"""What the networks of a study cost in use, from the ledger alone."""

import hashlib
import json
from collections.abc import Mapping

from study.ledger.events import NetworkMeasured
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.config.later_fields import without_defaults

_DECIDE = ("optim/precision", "optim/channels_last", "data/height", "data/width", "data/inputs")
"""Fields outside the section ``model`` on which the cost depends."""
_NEVER = ("model/weights", "model/auxiliary", "model/freeze_batch_norm", "model/dropout")
"""Fields in it on which it does not."""

_SINCE: Mapping[str, Value] = {
    "model/boundary_input": False,
    "task/tasks": "semseg",
    "task/auxiliary": "",
}
"""Fields that older ledgers lack, and their defaults, with which the keys stay; beside those of
``later_fields``."""


def cost_key(config: Mapping[str, Value]) -> str:
    """Eight hex digits that name what decides a network's cost: equal for equal costs."""
    chosen = {
        path: value
        for path, value in sorted(without_defaults(config).items())
        if path in (*_DECIDE, *_SINCE) or (path.startswith("model/") and path not in _NEVER)
    }
    for path, default in _SINCE.items():
        if chosen.get(path) == default:
            del chosen[path]
    return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()[:8]


def cost_of(record: StudyRecord, trial: TrialRecord) -> NetworkMeasured | None:
    """The cost of a trial's network; None if it was not measured, as in older ledgers."""
    return record.networks.get(cost_key(trial.config))


def by_cell(record: StudyRecord) -> dict[str, NetworkMeasured]:
    """The cost of each cell's network, as far as it was measured, in the trials' order."""
    found = {
        trial.cell: cost
        for trial in record.compared().trials.values()
        if (cost := cost_of(record, trial)) is not None
    }
    return {cell.name: found[cell.name] for cell in record.plan.grid.cells if cell.name in found}


def figures(cost: NetworkMeasured) -> dict[str, float | None]:
    """The figures by name, as tables and MLflow have them."""
    return {
        "parameters": cost.parameters,
        "gflops": cost.gflops,
        "ms_per_image": cost.milliseconds,
        "peak_megabytes": cost.peak_megabytes,
    }
