"""What a failure means for the study: one trial less, or the end of it for now."""

import errno
from collections.abc import Mapping

import torch

from trainables.data.dataset import DataError

MEMORY = "memory"
"""Too little of it for this config: the config's fault, not retried as it is."""
DATA = "data"
"""A file that cannot be used any more: every trial would meet it."""
STORAGE = "storage"
"""The study's folder is full, read-only or gone: every trial would meet it."""
DIVERGED = "diverged"
"""The loss was not finite."""
LANE = "lane"
"""Its worker groups died, time and again."""

RESULTS = (DIVERGED, MEMORY)
"""Failures that are a config's own result: the sampler learns of them, no limit counts them."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE}
_OUT_OF_MEMORY = ("out of memory", "defaultcpuallocator", "not enough memory", "bad_alloc")


def kind_of(error: BaseException) -> str:
    """One of the kinds above, or the exception's type where the trial's own code raised."""
    if isinstance(error, DataError):
        return DATA
    if isinstance(error, OSError) and error.errno in FULL:
        return STORAGE
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return MEMORY
    text = str(error).lower()
    if isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY):
        return MEMORY
    return type(error).__name__


HALVED = ("batch", "optim/accumulate")
"""The fields that ``halved`` changes."""


def halved(config: Mapping[str, object], workers: int) -> dict[str, int]:
    """The changes that take half as many images at once and give the same step; {} if none can."""
    batch, accumulate = (config[path] for path in HALVED)
    assert isinstance(batch, int)
    assert isinstance(accumulate, int)
    if batch % 2 or batch // 2 < workers:
        return {}
    return dict(zip(HALVED, (batch // 2, accumulate * 2), strict=True))
