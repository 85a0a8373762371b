"""Counts of images: additive, void-free, and what is reported where there is nothing to score."""

import math

import pytest
import torch

from tests.trainables.metrics.conftest import random_maps, square
from trainables.metrics.catalog import METRICS
from trainables.metrics.per_image import ImageCounts, count, empty
from trainables.metrics.summaries import by_class, resample, summarize

CPU = torch.device("cpu")
OF_SCORES = ("ece", "brier")
"""Metrics of probabilities, which ``count`` does not see."""
USUAL = [name for name, m in METRICS.items() if not m.needs and name not in OF_SCORES]
FRACTIONS = [name for name in USUAL if METRICS[name].unit == "fraction"]
MEASURED = [
    name
    for name, m in METRICS.items()
    if not m.series and m.task == "semseg" and not m.of_cells and name not in OF_SCORES
]
"""With distances and holes, of photographs."""


def test_a_perfect_prediction_scores_one_everywhere() -> None:
    _, labels = random_maps()

    metrics = summarize(count(labels.where(labels < 4, 2), labels, 4))

    assert {name: metrics[name] for name in FRACTIONS} == dict.fromkeys(FRACTIONS, 1.0)


def test_a_shifted_square_by_hand() -> None:
    # 100 of 1600 pixels, moved by 3 columns: 70 agree, 30 on either side do not.
    counts = count(square(13), square(10), 2)

    metrics = summarize(counts)

    assert counts.overlap_NK3.tolist() == [[[1470, 30, 30], [70, 30, 30]]]
    assert metrics["miou"] == pytest.approx((1470 / 1530 + 70 / 130) / 2)
    assert metrics["pixel_accuracy"] == pytest.approx(1540 / 1600)
    assert metrics["dice"] == pytest.approx((2940 / 3000 + 140 / 200) / 2)
    # The contour is the 40-pixel rim of an 11x11 square, here moved by 3 columns. Within 1 px of
    # the other lie 9 pixels of its top row, 9 of its bottom row, and the next ones down or up the
    # column that lies inside the other. Within 3 px lies everything. The same for class 0.
    assert metrics["boundary_f_1px"] == pytest.approx(20 / 40)
    assert metrics["boundary_f_3px"] == 1
    assert metrics["boundary_f_5px"] == 1
    # mBA: all radii are 1, the region is the 36 rim pixels inside and the 40 beside them outside.
    # Wrong inside: column 10, and the ends of columns 11 and 12, 10 + 4 pixels. Wrong outside:
    # columns 20-22, of which only 20 is beside the square, 10 pixels.
    assert metrics["mba"] == pytest.approx(1 - (14 + 10) / 76)


def test_trimap_inside_and_outside_by_hand() -> None:
    # Truth changes between columns 19 and 20, the prediction between 21 and 22: columns 20 and 21
    # are wrong. The band of 1 px holds columns 19 and 20, that of 2 px columns 18 to 21.
    columns = torch.arange(40).expand(1, 8, 40)

    metrics = summarize(count((columns >= 22).long(), (columns >= 20).long(), 2))

    assert metrics["trimap_miou_inside_1px"] == pytest.approx((1 / 2 + 0) / 2)
    assert metrics["trimap_miou_outside_1px"] == pytest.approx((19 / 20 + 18 / 19) / 2)
    assert metrics["trimap_miou_inside_2px"] == pytest.approx((2 / 4 + 0) / 2)
    assert metrics["trimap_miou_inside_4px"] == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert metrics["trimap_miou_outside_2px"] == 1
    assert metrics["trimap_miou_outside_10px"] == 1


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_any_number_of_shards_gives_the_same_metrics(shards: int) -> None:
    predicted, labels = random_maps(images=7)
    unsharded = summarize(count(predicted, labels, 4, (1, 1), with_holes=True))
    tables = []
    for rank in range(shards):
        mine = torch.arange(rank, 7, shards)
        table = empty(7, 4, CPU)
        for part in mine.split(2):
            for rows, values in zip(
                table,
                count(predicted[part], labels[part], 4, (1, 1), with_holes=True),
                strict=True,
            ):
                rows[part] = values
        tables.append(table)

    summed = ImageCounts(*(torch.stack(parts).sum(dim=0) for parts in zip(*tables, strict=True)))

    assert summarize(summed) == unsharded
    assert list(unsharded) == MEASURED
    assert not any(math.isnan(value) for value in unsharded.values())


def test_a_batch_is_counted_image_by_image() -> None:
    predicted, labels = random_maps(images=3)

    together = count(predicted, labels, 4)

    for image in range(3):
        alone = count(predicted[image : image + 1], labels[image : image + 1], 4)
        for batch_rows, rows in zip(together, alone, strict=True):
            torch.testing.assert_close(batch_rows[image], rows[0])


def test_the_empty_table_has_the_shape_of_counts() -> None:
    predicted, labels = random_maps(images=3)

    for zeros, counted in zip(empty(3, 4, CPU), count(predicted, labels, 4), strict=True):
        assert zeros.shape == counted.shape
        assert zeros.dtype == counted.dtype == torch.int64
        assert not zeros.any()


def test_no_images_are_an_empty_table() -> None:
    none = torch.zeros(0, 8, 8, dtype=torch.int64)

    for zeros, counted in zip(empty(0, 4, CPU), count(none, none, 4), strict=True):
        assert zeros.shape == counted.shape
    assert all(math.isnan(summarize(empty(0, 4, CPU))[name]) for name in FRACTIONS)


def test_void_pixels_count_nowhere_whatever_is_predicted_there() -> None:
    predicted, labels = random_maps()
    other = predicted.masked_fill(labels == 255, 3)

    for first, second in zip(count(predicted, labels, 4), count(other, labels, 4), strict=True):
        torch.testing.assert_close(first, second)


def test_the_numbering_of_the_classes_does_not_matter() -> None:
    predicted, labels = random_maps()
    renumber = torch.full((256,), 255)
    renumber[:4] = torch.tensor([2, 0, 3, 1])

    before = summarize(count(predicted, labels, 4, (1, 1), with_holes=True))
    after = summarize(count(renumber[predicted], renumber[labels], 4, (1, 1), with_holes=True))

    assert after == pytest.approx(before, abs=1e-12)


def test_mirrored_maps_keep_the_metrics_that_have_no_side() -> None:
    predicted, labels = random_maps()

    before = summarize(count(predicted, labels, 4, (1, 1), with_holes=True))
    after = summarize(count(predicted.flip(2), labels.flip(2), 4, (1, 1), with_holes=True))

    # The contour of boundary F lies to the left of and above a contact, so it may change a little.
    for name, value in before.items():
        tolerance = 0.02 if name.startswith("boundary_f") else 1e-12
        assert after[name] == pytest.approx(value, abs=tolerance, rel=0), name


def test_a_weighted_list_is_what_its_images_alone_give() -> None:
    predicted, labels = random_maps(images=4)
    lists: tuple[list[int], ...] = ([2, 0], [1, 1, 3], [])
    weights_RN = torch.stack([torch.tensor(rows).long().bincount(minlength=4) for rows in lists])

    found = resample(count(predicted, labels, 4, (1, 1), with_holes=True), weights_RN)
    for place, rows in enumerate(lists):
        alone = summarize(count(predicted[rows], labels[rows], 4, (1, 1), with_holes=True))
        for name, value in alone.items():
            assert found[name][place].item() == pytest.approx(value, nan_ok=True), name
    assert math.isnan(found["miou"][2])


def test_surface_distances_are_counted_on_request() -> None:
    counts = count(square(13), square(10), 3, spacing=(1, 0.5))

    metrics = summarize(counts)

    # The square moved by 3 columns of 0.5 mm. The background's surface is the border of the image,
    # too, which did not move; class 2 has none.
    assert by_class(counts)["hausdorff"][:2].tolist() == [1.5, 1.5]
    assert metrics["hausdorff"] == 1.5
    assert metrics["hd95"] <= metrics["hausdorff"]
    assert metrics["surfaces_scored"] == 2
    without = summarize(count(square(13), square(10), 3))
    assert metrics.keys() - without.keys() == {"hausdorff", "hd95", "assd", "surfaces_scored"}


@pytest.mark.parametrize(("name", "label"), [("labels", 4), ("labels", -1), ("predicted", 255)])
def test_an_invalid_class_is_refused(name: str, label: int) -> None:
    maps = {part: torch.zeros(1, 4, 4, dtype=torch.int64) for part in ("predicted", "labels")}
    maps[name][0, 1, 1] = label

    with pytest.raises(ValueError, match=f"{name} must be 0..3 or 255 for void, got {label}"):
        count(maps["predicted"], maps["labels"], 4)


def test_maps_that_do_not_fit_are_refused() -> None:
    maps = torch.zeros(1, 4, 5, dtype=torch.int64)

    with pytest.raises(ValueError, match=r"labels' shape \(1, 4, 5\), got \(1, 5, 4\)"):
        count(maps.mT, maps, 2)
    for num_classes in (0, 256):
        with pytest.raises(ValueError, match=rf"num_classes must be 1..255, got {num_classes}"):
            count(maps, maps, num_classes)


def test_as_many_classes_as_labels_hold() -> None:
    labels = torch.arange(255).view(1, 15, 17)

    metrics = summarize(count(labels, labels, 255))

    assert (metrics["miou"], metrics["boundary_f_1px"], metrics["classes_scored"]) == (1, 1, 255)
