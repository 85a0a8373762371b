"""Predictions of a few images as the content of a file."""

import io

import numpy as np
import pytest

from trainables.training import predictions

MAPS = [np.arange(6, dtype=np.uint8).reshape(2, 3), np.full((4, 1), 7, dtype=np.uint8)]


def test_maps_of_differing_sizes_come_back() -> None:
    found = predictions.unpack(predictions.pack(MAPS)).labels
    assert [map_HW.tolist() for map_HW in found] == [map_HW.tolist() for map_HW in MAPS]


def test_files_of_older_versions_are_read() -> None:
    """They hold one array of all images."""
    packed = io.BytesIO()
    np.savez_compressed(packed, predictions_PHW=np.stack([MAPS[0], MAPS[0] + 1]))
    found = predictions.unpack(packed.getvalue()).labels
    assert [map_HW.tolist() for map_HW in found] == [MAPS[0].tolist(), (MAPS[0] + 1).tolist()]


def test_damage_is_told() -> None:
    content = predictions.pack(MAPS)
    with pytest.raises(ValueError, match=r"."):
        predictions.unpack(content[: len(content) // 2])
