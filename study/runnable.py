"""What a cell lacks here: a field, a stage or a rule of training that this version has not."""

import inspect
from collections.abc import Mapping, Sequence

from search_spaces import Cell, Space
from study.record import Value
from trainables import stages, training
from trainables.config import TrialConfig, field_types
from trainables.losses.compose import needs_edge_net

_EDGE_NET = "the stage edge_net, which this version cannot make"
_SCHEDULES = "training that follows loss/schedule and loss/alpha, which this version does not"


def missing(cell: Cell, base: TrialConfig) -> str:
    """Why the cell cannot be run, for a person to read; "" if it can.

    Raises:
        ValueError: its changes are no config, by a value or by how they go together.
    """
    if cell.needs:
        return cell.needs
    unknown = [path for path in cell.changes if path not in field_types()]
    if unknown:
        return f"the config field {unknown[0]}, which this version does not have"
    return lacking(base.changed(cell.changes))


def lacking(config: TrialConfig) -> str:
    """What the trainables of this version lack for a config; "" if nothing."""
    if needs_edge_net(config.loss) and not makes("edge_net"):
        return _EDGE_NET
    scheduled = config.loss.schedule or config.loss.alpha != "none"
    return _SCHEDULES if scheduled and not follows_schedules() else ""


def check_space(space: Space, base: TrialConfig) -> None:
    """Raise a ValueError if trials of a search may need what this version does not have."""
    weights: Mapping[str, Value] = {
        dimension.path: 1.0
        for dimension in space.dimensions
        if dimension.path.startswith("loss/lambda")
    }
    reason = lacking(base.changed(weights))
    if reason:
        raise ValueError(f"--space {space.name} needs {reason}")


def makes(stage: str) -> bool:
    """Whether ``trainables.stages`` can train this learned part."""
    kinds: Sequence[str] = getattr(stages, "KINDS", ("inverse_net",))
    return stage in kinds


def follows_schedules() -> bool:
    """Whether a training asks for the weights of its progress, not of its start alone."""
    return "progress=" in inspect.getsource(training)
