"""The labels that a network predicted for a few images, as the content of a file.

Shape letters: H rows, W columns.
"""

import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_OLD = "predictions_PHW"
"""The one array in files of older versions, whose images had one size."""


def pack(predicted: Iterable[NDArray[np.uint8]]) -> bytes:
    """Labels (H,W) of each image; sizes may differ."""
    packed = io.BytesIO()
    np.savez_compressed(packed, *predicted)
    return packed.getvalue()


def unpack(content: bytes) -> list[NDArray[np.uint8]]:
    """What ``pack`` was given.

    Raises:
        ValueError: the content is damaged.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as saved:
            if _OLD in saved:
                return list(saved[_OLD])
            return [saved[f"arr_{row}"] for row in range(len(saved.files))]
    except Exception as error:  # zip, zlib and NumPy raise many types for a damaged archive
        raise ValueError(str(error)) from None
