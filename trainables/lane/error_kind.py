"""Classifies an exception on a rank as a kind of failure."""

import torch

from trainables.data.dataset import DataError
from trainables.lane.failures import STORAGE_ERRORS, FailureKind

_OUT_OF_MEMORY = ("out of memory", "defaultcpuallocator", "not enough memory", "bad_alloc")


def kind_of(error: BaseException) -> str:
    """One of ``FailureKind``, or the name of the exception's type for any other error."""
    if isinstance(error, DataError):
        return FailureKind.DATA
    if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
        return FailureKind.STORAGE
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return FailureKind.MEMORY
    # PyTorch's CPU allocator and some CUDA libraries raise a plain RuntimeError.
    text = str(error).lower()
    if isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY):
        return FailureKind.MEMORY
    return type(error).__name__
