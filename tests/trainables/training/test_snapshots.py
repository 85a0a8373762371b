"""Snapshots: a few epochs from first to last, read back, left out if damaged, removed."""

from pathlib import Path

import numpy as np
import pytest

from trainables.training import snapshots


@pytest.mark.parametrize(
    ("epochs", "chosen"),
    [(1, [1]), (4, [1, 2, 3, 4]), (6, [1, 2, 3, 4, 5, 6]), (101, [1, 21, 41, 61, 81, 101])],
)
def test_first_and_last_epoch_and_some_between_are_chosen(epochs: int, chosen: list[int]) -> None:
    assert snapshots.chosen(epochs) == chosen


def test_the_first_images_come_back_by_epoch(tmp_path: Path) -> None:
    first, second = tmp_path / "attempt-1", tmp_path / "attempt-2"
    for folder in (first, second):
        folder.mkdir()
    for epoch in (1, 2, 10, 101):
        snapshots.write(first, epoch, 101, np.full((4, 2, 3), epoch, dtype=np.uint8))
    snapshots.write(second, 101, 101, np.full((4, 2, 3), 7, dtype=np.uint8))
    found = snapshots.read([first, second])
    shapes = {epoch: [map_HW.shape for map_HW in maps] for epoch, maps in found.items()}
    assert shapes == {1: [(2, 3), (2, 3)], 101: [(2, 3), (2, 3)]}
    assert found[101][1].max() == 7, "a later attempt ran the epoch again"
    damaged = next(second.rglob("*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    assert snapshots.read([first, second])[101][1].max() == 101
    snapshots.remove([first, second])
    assert snapshots.read([first, second]) == {}
    assert not list(first.iterdir())
