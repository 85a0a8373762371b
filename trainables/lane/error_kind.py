"""Classifies an exception on a rank as a kind of failure."""

from trainables.data.dataset import DataError
from trainables.lane.failures import STORAGE_ERRORS, FailureKind
from trainables.training.gpu_memory import is_out_of_memory


def kind_of(error: BaseException) -> str:
    """One of ``FailureKind``, or the name of the exception's type for any other error."""
    if isinstance(error, DataError):
        return FailureKind.DATA
    if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
        return FailureKind.STORAGE
    return FailureKind.MEMORY if is_out_of_memory(error) else type(error).__name__
