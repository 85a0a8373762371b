"""DAVIS' J and F: against its toolkit, by hand, and frames without the object."""

import math

import pytest
import torch

from tests.trainables.metrics.conftest import Golden, cases, maps
from trainables.metrics.other_tasks.video import davis_f, davis_j


@pytest.mark.parametrize("tolerance", [0.008, 0.00088, 1, 3, 5])
def test_f_equals_the_toolkit(golden_boundary: Golden, tolerance: float) -> None:
    suffix = f"th{tolerance}" if tolerance < 1 else f"{tolerance}px"
    compared = 0
    for case in cases(golden_boundary):
        predicted, labels, num_classes = maps(golden_boundary, case)
        for cls in range(num_classes):
            key = f"{case}/cls{cls}/F_davis_{suffix}"
            if key in golden_boundary:
                ours = davis_f(predicted == cls, labels == cls, labels == 255, tolerance).item()
                theirs = float(golden_boundary[key])
                # Nothing to score is 1 to the toolkit, and NaN to us.
                assert (1.0 if math.isnan(ours) else ours) == pytest.approx(theirs, abs=1e-12), key
                compared += 1
    assert compared > 8


def test_j_by_hand() -> None:
    predicted = torch.tensor([[[True, True, False, True]]])
    true = torch.tensor([[[True, False, True, True]]])
    void = torch.tensor([[[False, False, False, True]]])

    assert davis_j(predicted, true).item() == 2 / 4
    assert davis_j(predicted, true, void).item() == 1 / 3


def test_policy_frames_without_the_object() -> None:
    nothing = torch.zeros(1, 9, 9, dtype=torch.bool)
    square = nothing.clone()
    square[:, 2:6, 2:6] = True

    for measure in (davis_j, davis_f):
        assert measure(nothing, square).item() == 0
        assert measure(square, nothing).item() == 0
        assert math.isnan(measure(nothing, nothing).item())
        assert math.isnan(measure(square, square, torch.ones_like(square)).item())
