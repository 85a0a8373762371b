"""The policy of empty sets: left out of means, counted and reported; never inf or an exception."""

import math

import pytest
import torch

from tests.trainables.metrics.conftest import square
from trainables.metrics.catalog import METRICS
from trainables.metrics.per_image import count
from trainables.metrics.summaries import by_class, summarize

USUAL = [name for name, m in METRICS.items() if m.unit == "fraction" and not m.needs]
USUAL.remove("ece")  # of probabilities, which ``count`` does not see
DAVIS = [name for name in USUAL if name.startswith("boundary_f_davis")]
"""They count 1 where there is nothing to score; all others leave it out."""
FRACTIONS = [name for name in USUAL if name not in DAVIS]


def _within_range_or_nan(metrics: dict[str, float]) -> None:
    for name, value in metrics.items():
        assert math.isnan(value) or METRICS[name].low <= value <= METRICS[name].high, name


def test_a_class_in_one_map_alone_is_the_diagonal_away_and_not_among_the_scored() -> None:
    """A network that finds nothing where it is unsure must not look better for it."""
    nothing = torch.zeros_like(square(10))
    predicted = torch.cat((square(13), nothing))
    labels = torch.cat((square(10), square(10)))

    metrics = summarize(count(predicted, labels, 2, (1, 1)))
    per_class = by_class(count(predicted, labels, 2, (1, 1)))

    assert metrics["surfaces_scored"] == 3
    diagonal = math.hypot(39, 39)
    for name, found in (("hausdorff", 3.0), ("hd95", 3.0)):
        assert per_class[name][1].item() == pytest.approx((found + diagonal) / 2)
    only = summarize(count(predicted[1:], 1 - predicted[1:], 2, (1, 1)))
    assert only["hausdorff"] == only["hd95"] == only["assd"] == pytest.approx(diagonal)
    assert only["surfaces_scored"] == 0


def test_an_image_without_the_class_has_no_distance_to_it() -> None:
    nothing = torch.zeros_like(square(10))

    both = by_class(
        count(torch.cat((square(13), nothing)), torch.cat((square(10), nothing)), 2, (1, 1))
    )

    assert both["hausdorff"][1] == 3


def test_empty_prediction() -> None:
    metrics = summarize(count(torch.zeros_like(square(10)), square(10), 2))

    assert metrics["miou"] == pytest.approx((1500 / 1600 + 0) / 2)
    assert metrics["boundary_f_3px"] == 0
    # Class 0 is predicted with the image's rim of 156 pixels as its region; the true one has the 44
    # pixels around the square besides. Class 1 is predicted nowhere.
    assert metrics["boundary_iou"] == pytest.approx((156 / 200 + 0) / 2)
    assert (metrics["classes_scored"], metrics["contours_scored"]) == (2, 2)
    _within_range_or_nan(metrics)


def test_empty_truth() -> None:
    metrics = summarize(count(square(10), torch.zeros_like(square(10)), 2))

    assert metrics["miou"] == pytest.approx((1500 / 1600 + 0) / 2)
    assert metrics["boundary_f_3px"] == 0
    assert math.isnan(metrics["mba"])
    assert math.isnan(metrics["trimap_miou_inside_1px"])
    assert metrics["trimap_miou_outside_1px"] == metrics["miou"]
    _within_range_or_nan(metrics)


def test_both_empty() -> None:
    nothing = torch.zeros(1, 8, 8, dtype=torch.int64)

    metrics = summarize(count(nothing, nothing, 2))

    assert metrics["miou"] == 1  # of class 0 alone
    assert math.isnan(metrics["boundary_f_1px"])
    assert [metrics[name] for name in DAVIS] == [1, 1, 1]
    assert (metrics["classes_scored"], metrics["contours_scored"]) == (1, 0)
    _within_range_or_nan(metrics)


def test_a_class_absent_from_both_is_left_out_and_counted() -> None:
    few, more = count(square(13), square(10), 2), count(square(13), square(10), 9)

    alike, other = summarize(few), summarize(more)
    assert all(alike[name] == other[name] for name in alike if name not in DAVIS)
    assert other["classes_scored"] == 2
    for name, values in by_class(more).items():
        assert (values[2:] == 1).all() if name in DAVIS else values[2:].isnan().all()


def test_a_class_absent_from_one_scores_zero() -> None:
    predicted, labels = square(10, label=2), square(10, label=1)

    per_class = by_class(count(predicted, labels, 3))

    for values in per_class.values():
        assert values.tolist() == [1, 0, 0]


def test_a_class_absent_from_one_image_is_scored_in_the_other() -> None:
    predicted = torch.cat((square(13), torch.zeros_like(square(10))))
    labels = torch.cat((square(10), torch.zeros_like(square(10))))

    per_class = by_class(count(predicted, labels, 2))

    alone = by_class(count(square(13), square(10), 2))
    assert per_class["boundary_f_1px"][1] == alone["boundary_f_1px"][1]
    assert per_class["dice"][1] == alone["dice"][1]


def test_all_void() -> None:
    counts = count(square(10), torch.full((1, 40, 40), 255), 2)

    metrics = summarize(counts)

    assert not any(table.any() for table in counts)
    assert all(math.isnan(metrics[name]) for name in FRACTIONS)
    assert [metrics[name] for name in DAVIS] == [1, 1, 1]
    assert (metrics["classes_scored"], metrics["contours_scored"]) == (0, 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2)])
def test_an_image_smaller_than_every_band(shape: tuple[int, int]) -> None:
    labels = (torch.arange(shape[0] * shape[1]) % 2).view(1, *shape)

    perfect, wrong = summarize(count(labels, labels, 2)), summarize(count(1 - labels, labels, 2))

    assert perfect["miou"] == 1
    assert wrong["miou"] == 0
    assert math.isnan(perfect["trimap_miou_outside_10px"]) == (shape != (1, 1))
    _within_range_or_nan(perfect)
    _within_range_or_nan(wrong)
