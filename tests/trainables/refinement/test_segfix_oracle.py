"""True boundaries and directions repair a label map that was eroded by two pixels.

What an erosion removes completely, no offset brings back: structures at most six pixels wide are
void here. Shape letters: B images, K classes, H rows, W columns.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from trainables.config import DataConfig
from trainables.data import Dataset, load
from trainables.geometry.boundaries import VOID
from trainables.geometry.distance import squared_distance
from trainables.metrics.boundary import boundary_f, contour_hits
from trainables.refinement import segfix
from trainables.refinement.segfix_targets import interior, near

ERODED_PX, OPENED_PX = 2, 3


def opened(labels_BHW: Tensor, num_classes: int) -> Tensor:
    """The labels; void where a disk of that radius does not fit into the class."""
    kept_BHW = torch.zeros_like(labels_BHW, dtype=torch.bool)
    for number in range(num_classes):
        other_BHW = (labels_BHW != number) & (labels_BHW != VOID)
        core_BHW = (labels_BHW == number) & (squared_distance(other_BHW) > OPENED_PX**2)
        kept_BHW |= (labels_BHW == number) & (squared_distance(core_BHW) <= OPENED_PX**2)
    return labels_BHW.masked_fill(~kept_BHW, VOID)


def eroded(labels_BHW: Tensor, num_classes: int) -> Tensor:
    """Every class gives its outer pixels to the nearest other class."""
    best_BHW, eroded_BHW = torch.full_like(labels_BHW, ERODED_PX**2 + 1), labels_BHW.clone()
    for number in range(num_classes):
        square_BHW = squared_distance(labels_BHW == number).long()
        lost_BHW = (labels_BHW != number) & (labels_BHW != VOID) & (square_BHW < best_BHW)
        best_BHW[lost_BHW] = square_BHW[lost_BHW]
        eroded_BHW[lost_BHW] = number
    return eroded_BHW


def f_at_1px(predicted_BHW: Tensor, labels_BHW: Tensor, num_classes: int) -> float:
    """Of all contours of all classes together."""
    shown_BHW = torch.where(labels_BHW == VOID, VOID, predicted_BHW)
    lengths_BK2, hits_B1K2 = contour_hits(shown_BHW, labels_BHW, num_classes, (1,))
    pooled = lengths_BK2.sum(dim=(0, 1)), hits_B1K2.sum(dim=(0, 1, 2))
    return boundary_f(*(each.view(1, 1, 2) for each in pooled)).item()


def labels_of(dataset: Dataset, images: int) -> Tensor:
    rows = range(0, len(dataset.splits["test"]), len(dataset.splits["test"]) // images)
    labels = [torch.from_numpy(dataset.splits["test"].labels_NHW[row]) for row in rows]
    return torch.stack(labels[:images]).long()


def repaired(labels_BHW: Tensor, num_classes: int, directions: int) -> dict[str, float]:
    """F of the eroded labels, of the paper's single pass of two pixels, of two passes of one."""
    true_BHW = opened(labels_BHW, num_classes)
    wrong_BHW = eroded(true_BHW, num_classes)
    depth_BHW, angle_BHW = interior(true_BHW, num_classes)
    bins_BHW = segfix.bins(angle_BHW, directions)
    offsets_B2HW = segfix.along(bins_BHW, directions, near(depth_BHW) == segfix.NEAR)
    once_B1HW = segfix.corrected(wrong_BHW.unsqueeze(1), offsets_B2HW, scale=2)
    twice_B1HW = wrong_BHW.unsqueeze(1)
    for _ in range(2):
        twice_B1HW = segfix.corrected(twice_B1HW, offsets_B2HW, scale=1)
    maps = {"eroded": wrong_BHW, "once": once_B1HW.squeeze(1), "twice": twice_B1HW.squeeze(1)}
    return {name: f_at_1px(map_BHW, true_BHW, num_classes) for name, map_BHW in maps.items()}


@pytest.mark.parametrize("directions", [4, 8])
def test_the_truth_repairs_camvid(camvid_root: Path, directions: int) -> None:
    few = DataConfig(train_images=1, val_images=1, test_images=3)
    dataset = load(replace(few, dataset="camvid", root=str(camvid_root)))
    found = repaired(labels_of(dataset, 3), dataset.num_classes, directions)
    assert found["twice"] > 0.99
    assert found["eroded"] < 0.85
    assert 0.95 < found["once"] < 0.99


@pytest.mark.parametrize("directions", [4, 8])
def test_the_truth_repairs_shapes(directions: int) -> None:
    dataset = load(DataConfig(train_images=1, val_images=1, test_images=6))
    found = repaired(labels_of(dataset, 6), dataset.num_classes, directions)
    assert found["twice"] > 0.99
    assert found["eroded"] < 0.85
    assert found["once"] < found["twice"]
