"""mBA and the trimap: against CascadePSP, a brute force from the definitions, and by hand."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.trainables.metrics.conftest import Golden, cases, maps, random_maps
from trainables.geometry.boundaries import eight_neighbour_boundary
from trainables.metrics.bands import (
    band_zones,
    boundary_accuracy,
    mba_radii,
    mean_boundary_accuracy,
)


def _mba(predicted: torch.Tensor, labels: torch.Tensor) -> float:
    return mean_boundary_accuracy(boundary_accuracy(predicted, labels)).item()


def test_mba_equals_cascadepsp(golden_boundary: Golden) -> None:
    for case in cases(golden_boundary):
        predicted, labels, num_classes = maps(golden_boundary, case)
        theirs = float(golden_boundary[f"{case}/mba_multiclass"])
        assert _mba(predicted, labels) == pytest.approx(theirs, abs=1e-12, nan_ok=True), case
        radii = golden_boundary[f"{case}/mba_radii"].tolist()
        assert mba_radii(labels.shape[1], labels.shape[2]) == radii
        for cls in range(num_classes):
            key = f"{case}/cls{cls}/mba_binary"
            if key in golden_boundary:
                masks = (predicted == cls) & (labels != 255), labels == cls
                ours = _mba(*(mask.long() for mask in masks))
                theirs = float(golden_boundary[key])
                assert ours == pytest.approx(theirs, abs=1e-12, nan_ok=True), key


def test_mba_with_label_0_as_void_is_what_cascadepsp_gives_for_raw_labels(
    golden_boundary: Golden,
) -> None:
    # Their class 0 is void, so raw labels lose a class. With label 0 as void ours agrees where no
    # void pixel counts as right: they subtract every void pixel from the hits, whatever was
    # predicted there.
    case = "voronoi_shift_1_2"
    predicted, labels, _ = maps(golden_boundary, case)
    counts = boundary_accuracy(predicted, labels.masked_fill(labels == 0, 255))[0, 0].tolist()
    region = ndimage.maximum_filter(
        labels[0].numpy(), footprint=ndimage.generate_binary_structure(2, 1)
    ) != ndimage.minimum_filter(
        labels[0].numpy(), footprint=ndimage.generate_binary_structure(2, 1)
    )
    void = region & (labels[0].numpy() == 0)
    right_on_void = (void & (predicted[0].numpy() == 0)).sum()

    theirs = (counts[0] + right_on_void - void.sum()) / counts[1]

    assert theirs == pytest.approx(float(golden_boundary[f"{case}/mba_multiclass_vs_255raw"]))


def test_the_radii_grow_with_the_image() -> None:
    assert mba_radii(1024, 2048) == [1, 2, 4, 6, 8]
    assert mba_radii(360, 480) == [1, 1, 1, 2, 2]
    assert mba_radii(30, 30) == [1] * 5


def _ellipse(radius: int) -> np.ndarray:
    off = np.arange(-radius, radius + 1)
    half = np.rint(radius * np.sqrt(1 - (off / radius) ** 2))
    return np.abs(off)[None] <= half[:, None]


def test_mba_equals_a_brute_force_of_morphological_gradients_with_void() -> None:
    predicted, labels = random_maps(images=1, height=700, width=900)
    truth, guess = labels[0].numpy(), predicted[0].numpy()
    accuracies = []
    for radius in mba_radii(*truth.shape):
        region = np.zeros_like(truth, dtype=bool)
        for cls in range(4):
            mask = (truth == cls).astype(np.uint8)
            window = _ellipse(radius)
            dilated = ndimage.grey_dilation(mask, footprint=window, mode="constant", cval=0)
            eroded = ndimage.grey_erosion(mask, footprint=window, mode="constant", cval=1)
            region |= dilated != eroded
        region &= truth != 255
        accuracies.append((guess == truth)[region].mean())

    assert len(set(mba_radii(*truth.shape))) > 3
    assert _mba(predicted, labels) == pytest.approx(np.mean(accuracies), abs=1e-12)


def test_mba_of_a_half_that_is_predicted_as_nothing() -> None:
    # The region is the two columns beside the contact; one of them is right.
    labels = (torch.arange(20) >= 10).long().expand(1, 20, 20)

    assert _mba(torch.zeros_like(labels), labels) == 0.5


def test_an_image_without_a_boundary_has_no_mba() -> None:
    for label in (0, 255):
        labels = torch.full((1, 8, 8), label)
        assert np.isnan(_mba(torch.ones_like(labels), labels))


def _brute_edges(labels: np.ndarray) -> np.ndarray:
    """SEMEDA 3.3, pixel by pixel."""
    height, width = labels.shape
    edges = np.zeros(labels.shape, dtype=bool)
    for row, column in np.ndindex(height, width):
        around = labels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        others = around[(around != 255) & (around != labels[row, column])]
        edges[row, column] = labels[row, column] != 255 and others.size > 0
    return edges


def test_bands_equal_a_brute_force() -> None:
    _, labels = random_maps()

    edges, zones = eight_neighbour_boundary(labels), band_zones(labels, 10)

    for image, found, zone in zip(labels.numpy(), edges.numpy(), zones.numpy(), strict=True):
        expected = _brute_edges(image)
        np.testing.assert_array_equal(found, expected)
        away = ndimage.distance_transform_edt(~expected)
        np.testing.assert_array_equal(zone, np.minimum(np.ceil(away), 10))


def test_bands_about_a_line_grow_by_a_pixel_on_either_side() -> None:
    # The contact lies between columns 9 and 10: the edge is these two, and so on outwards.
    labels = (torch.arange(20) >= 10).long().expand(1, 1, 20)

    zones = band_zones(labels, 3)

    assert zones.flatten().tolist() == [3] * 7 + [2, 1, 0, 0, 1, 2] + [3] * 7


def test_void_makes_no_edge() -> None:
    labels = torch.tensor([[[0, 0, 255, 255, 0, 0]]])

    assert not eight_neighbour_boundary(labels).any()
    assert (band_zones(labels, 10) == 10).all()


def test_no_edge_leaves_every_pixel_outside_even_of_an_image_smaller_than_a_band() -> None:
    assert (band_zones(torch.zeros(1, 3, 4, dtype=torch.int64), 10) == 10).all()
    assert (band_zones(torch.tensor([[[0, 1]]]), 10) == 0).all()
