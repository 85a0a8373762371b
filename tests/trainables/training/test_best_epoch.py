"""The checkpoint of the best epoch is there at any time, and no more than two others."""

from pathlib import Path

import numpy as np
import pytest

from trainables.training import checkpoint, retention
from trainables.training.best_epoch import best_epoch

CURVE = [0.2, 0.8, 0.5, 0.4, 0.9, 0.3, 0.9, 0.1]
"""A new best comes when the one before it is no longer among the two newest; later, its equal."""


@pytest.mark.parametrize(
    ("values", "mode", "expected"),
    [
        ([0.1, 0.3, 0.2], "max", 2),
        ([0.3, 0.1, 0.2], "min", 2),
        ([0.5, 0.5], "max", 1),
        ([0.5, 0.5], "min", 1),
        ([None, 0.1, float("nan")], "max", 2),
        ([0.2, float("inf")], "max", 1),
        ([None, float("nan")], "max", None),
        ([], "max", None),
    ],
)
def test_the_best_is_the_earliest_of_equals(
    values: list[float | None], mode: str, expected: int | None
) -> None:
    assert best_epoch(dict(enumerate(values, start=1)), mode) == expected


def write(folder: Path, epoch: int, value: float) -> None:
    checkpoint.write(
        checkpoint.folder_of(folder, epoch),
        epoch,
        b"state",
        np.zeros((1, 2, 2), np.uint8),
        b"counts",
        result={"miou": value},
    )


def kept(folder: Path) -> list[int]:
    return sorted(int(path.name[-6:]) for path in folder.glob("checkpoint_*"))


@pytest.mark.parametrize("mode", ["max", "min"])
def test_the_best_of_every_epoch_that_a_resume_may_go_back_to_is_kept(
    tmp_path: Path, mode: str
) -> None:
    values = {}
    for epoch, value in enumerate(CURVE, start=1):
        values[epoch] = value if mode == "max" else -value
        write(tmp_path, epoch, values[epoch])
        retention.keep(tmp_path, 2, ("miou", mode))
        assert len(kept(tmp_path)) <= 3
        for last in (epoch, epoch - 1):  # the newest may be lost with its writer
            reached = {number: value for number, value in values.items() if number <= last}
            best = best_epoch(reached, mode)
            assert best is None or best in kept(tmp_path)
    assert kept(tmp_path) == [5, 7, 8]


def test_without_it_the_two_newest_are_kept(tmp_path: Path) -> None:
    for epoch, value in enumerate(CURVE, start=1):
        write(tmp_path, epoch, value)
        retention.keep(tmp_path, 2)
    assert kept(tmp_path) == [7, 8]
