"""Halves the batch of a trial that ran out of memory (``--on-oom halve``)."""

from collections.abc import Mapping

HALVED = ("batch", "optim/accumulate")
"""The fields that ``halved`` changes."""


def halved(config: Mapping[str, object], workers: int) -> dict[str, int]:
    """Changes that halve the batch and keep the optimiser's step; {} if it cannot be halved.

    Args:
        config: the flat config.
        workers: ranks; each needs at least one image of the batch.
    """
    # An uneven half would change the step: batch times accumulation must stay the same.
    batch, accumulate = (config[path] for path in HALVED)
    assert isinstance(batch, int)
    assert isinstance(accumulate, int)
    if batch % 2 or batch // 2 < workers:
        return {}
    return dict(zip(HALVED, (batch // 2, accumulate * 2), strict=True))
