"""MATLAB files of version 5.

Whatever their bytes: a bad one is a DataError that names it.
"""

import io
from pathlib import Path
from typing import Any

from trainables.data.dataset import DataError


def read_mat(path: Path, content: bytes, *keys: str) -> dict[str, Any]:
    """The variables of a file, among them ``keys``.

    Raises:
        DataError: it is no such file, is damaged, or lacks a variable.
    """
    from scipy.io import loadmat

    try:
        found: dict[str, Any] = loadmat(io.BytesIO(content))
    except Exception as error:  # scipy's parser raises whatever damaged bytes lead to
        why = str(error).splitlines() or [type(error).__name__]
        raise DataError(f"{path}: cannot be read: {why[0]}") from None
    for key in keys:
        if key not in found:
            raise DataError(f"{path}: has no {key}")
    return found
