"""Which epoch's network a trial is measured by (``eval/checkpoint``)."""

import math
from collections.abc import Mapping


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
