"""Which epoch's network a trial is measured by (``eval/checkpoint``)."""

import math
from collections.abc import Mapping

from trainables.config import Value


def best_is_tested(config: Mapping[str, Value]) -> bool:
    """Whether the best epoch's network of a trial is to be tested, alone or beside the last one's.

    Args:
        config: the trial's, flat; one of an older version, without these fields, has its last
            epoch tested.
    """
    return config.get("eval/checkpoint") == "best" or both_are_tested(config)


def both_are_tested(config: Mapping[str, Value]) -> bool:
    """Whether the networks of the best and of the last epoch are to be tested."""
    return config.get("eval/both_checkpoints") is True


def best_epoch(values: Mapping[int, float | None], mode: str) -> int | None:
    """The epoch with the best value, the earliest of equal ones; None if no value is a number.

    Args:
        values: by epoch, the objective on the validation list.
        mode: ``max`` or ``min``.
    """
    sign = 1 if mode == "max" else -1
    known = {
        epoch: sign * value
        for epoch, value in values.items()
        if value is not None and math.isfinite(value)
    }
    return min(known, key=lambda epoch: (-known[epoch], epoch)) if known else None
