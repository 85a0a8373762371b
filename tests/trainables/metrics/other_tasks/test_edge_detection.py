"""odsF: against the public tool's counts (which are random by up to 4), by hand, and empty maps."""

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.trainables.metrics.conftest import Golden
from trainables.geometry.thinning import thin
from trainables.metrics.other_tasks.edge_detection import edge_counts, match, ods_f, thresholds


def _images(golden: Golden) -> list[str]:
    return sorted({key.split("/")[0] for key in golden if key.endswith("/gt")})


def _counts(golden: Golden, image: str) -> torch.Tensor:
    edge, true = (torch.from_numpy(golden[f"{image}/{name}"]) for name in ("edge_prob", "gt"))
    reach = float(golden[f"{image}/max_dist"])
    return edge_counts(edge, true, reach, len(golden[f"{image}/F"]))


def test_thinning_equals_the_public_tool(golden_edges: Golden) -> None:
    for image in _images(golden_edges):
        thinned = thin(golden_edges[f"{image}/edge_prob"] >= 0.5)
        np.testing.assert_array_equal(thinned, golden_edges[f"{image}/thinned_t0.5"])


def test_counts_are_within_the_public_tools_randomness(golden_edges: Golden) -> None:
    for image in _images(golden_edges):
        counts = _counts(golden_edges, image).numpy()
        rows = golden_edges[f"{image}/thr_cntR_sumR_cntP_sumP"]
        np.testing.assert_allclose(thresholds(len(rows)), rows[:, 0])
        # What is not matching is not random.
        np.testing.assert_array_equal(counts[:, [1, 3]], rows[:, [2, 4]])
        np.testing.assert_allclose(counts, rows[:, 1:], atol=4)
        # A maximum matching is never beaten by any of the seven runs.
        runs = golden_edges[f"{image}/counts_7runs"][:, :, 1:]
        assert (counts[:, [0, 2]] >= runs.max(axis=0)[:, [0, 2]]).all()
        ours, theirs = ods_f(torch.from_numpy(counts)), golden_edges[f"{image}/best_R_P_F_T"]
        assert ours.f == pytest.approx(theirs[2], abs=0.02)


def test_the_best_f_of_summed_counts_equals_the_public_tools(golden_edges: Golden) -> None:
    best = ods_f(torch.from_numpy(golden_edges["dataset/counts"]))

    assert best == pytest.approx(tuple(golden_edges["dataset/ods_R_P_F_T"]), abs=1e-9)


def test_the_same_maps_give_the_same_counts(golden_edges: Golden) -> None:
    image = _images(golden_edges)[0]

    assert torch.equal(_counts(golden_edges, image), _counts(golden_edges, image))


def _best_matching(predicted: NDArray[np.bool_], true: NDArray[np.bool_], reach: float) -> int:
    """The size of the largest matching, by trying every assignment."""
    sources, targets = np.argwhere(predicted), np.argwhere(true)
    few, many = sorted((sources, targets), key=len)
    assert math.perm(len(many), len(few)) < 1e5, "too many to try them all"
    best = 0
    for chosen in itertools.permutations(range(len(many)), len(few)):
        near = [math.dist(few[i], many[j]) <= reach for i, j in enumerate(chosen)]
        best = max(best, sum(near))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_matching_is_the_largest_there_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted, true = rng.random((2, 4, 5)) < 0.22
    matched = match(predicted, true, 1.5)

    assert matched.shape == (predicted.sum(),)
    assert matched.sum() == _best_matching(predicted, true, 1.5)


def test_a_line_moved_by_two_rows() -> None:
    edge, true = torch.zeros(40, 30), torch.zeros(40, 30, dtype=torch.bool)
    edge[12, 5:25], true[10, 5:25] = 0.8, True

    near, far = (edge_counts(edge, true, distance, 9) for distance in (2 / 50, 1.9 / 50))

    # The diagonal is 50 px, so 2 px are reached or just not. The line is there up to 0.8.
    assert near.tolist() == [[20, 20, 20, 20]] * 8 + [[0, 20, 0, 0]]
    assert far[0].tolist() == [0, 20, 0, 20]
    assert tuple(ods_f(near)) == pytest.approx((1.0, 1.0, 1.0, 0.1))
    assert ods_f(far).f == 0


def test_annotators_are_counted_one_by_one() -> None:
    edge = torch.zeros(10, 10)
    edge[5, :8] = 1.0
    both = torch.zeros(2, 10, 10, dtype=torch.bool)
    both[0, 5, :5] = True
    both[1, 5, 3:8] = True

    counts = edge_counts(edge, both, max_distance=0.0, num_thresholds=1)

    # 5 + 5 true pixels, all found; the 8 predicted ones are right by one annotator or the other.
    assert counts.tolist() == [[10, 10, 8, 8]]


def test_f_is_interpolated_between_thresholds() -> None:
    # Recall falls from 1 to 0 while precision rises from 0 to 1: F is largest half-way.
    best = ods_f(torch.tensor([[10, 10, 0, 10], [0, 10, 10, 10]]))

    assert best.f == pytest.approx(0.5, abs=1e-4)
    assert best.threshold == pytest.approx(0.5, abs=0.01)


def test_a_thick_line_is_thinned_to_one_pixel() -> None:
    mask = np.zeros((9, 20), dtype=bool)
    mask[3:6, 2:18] = True

    thinned = thin(mask)

    # The ends recede by the half width; between them, one pixel a column, in the middle.
    assert thinned[:, 4:16].sum() == thinned[4, 4:16].sum() == 12
    assert (thinned & ~mask).sum() == 0
    np.testing.assert_array_equal(thin(thinned), thinned)


def test_thinning_keeps_a_ring_closed_and_a_dot() -> None:
    rows, columns = np.mgrid[:21, :21]
    radius = np.hypot(rows - 10, columns - 10)
    ring = (radius > 5) & (radius < 9)

    thinned = thin(ring)

    # Every pixel of a closed curve has two neighbours on it, or more at its corners.
    padded = np.pad(thinned, 1)
    for row, column in np.argwhere(thinned):
        assert padded[row : row + 3, column : column + 3].sum() >= 3
    dot = np.zeros((3, 3), dtype=bool)
    dot[1, 1] = True
    np.testing.assert_array_equal(thin(dot), dot)


def test_policy_no_prediction_no_truth_neither() -> None:
    nothing, line = torch.zeros(6, 7), torch.zeros(6, 7, dtype=torch.bool)
    line[3] = True

    only_true = edge_counts(nothing, line, num_thresholds=3)
    only_predicted = edge_counts(line.float(), nothing.bool(), num_thresholds=3)

    assert only_true.tolist() == [[0, 7, 0, 0]] * 3
    assert ods_f(only_true).f == 0
    assert only_predicted.tolist() == [[0, 0, 0, 7]] * 3
    assert math.isnan(ods_f(only_predicted).f)
    assert math.isnan(ods_f(edge_counts(nothing, nothing.bool(), num_thresholds=3)).f)
    # Beside an image that has edges, the false ones of the other count.
    assert ods_f(only_predicted + torch.tensor([7, 7, 7, 7])).precision == 0.5


def test_there_are_99_thresholds() -> None:
    np.testing.assert_allclose(thresholds(), np.linspace(0.01, 0.99, 99))
