"""Volumes and films: DSC, Hausdorff, DAVIS' J and F against brute force and the public toolkit."""

import math

import pytest
import torch

from tests.trainables.metrics.conftest import cases, load_golden, random_maps, square
from trainables.metrics.per_image import ImageCounts, count, whole_distances
from trainables.metrics.series import by_class
from trainables.metrics.summaries import resample, summarize

NOTHING = torch.zeros_like(square(10))


def numbered(counts: ImageCounts, *numbers: int) -> ImageCounts:
    return counts._replace(series_N1=torch.tensor(numbers).view(-1, 1))


def volumes(*slices: tuple[int, torch.Tensor, torch.Tensor]) -> ImageCounts:
    """Counts of slices with a number, a prediction and a truth; distances of 1 mm, 8 mm apart."""
    numbers, predicted, true = zip(*slices, strict=True)
    counts = numbered(count(torch.cat(predicted), torch.cat(true), 2, (1, 1)), *numbers)
    for number in set(numbers):
        rows = [row for row, other in enumerate(numbers) if other == number]
        ours, theirs = (torch.cat([maps[row] for row in rows]) for maps in (predicted, true))
        counts.volume_NK3[rows[0]] = whole_distances(ours, theirs, 2, (8.0, 1.0, 1.0))
    return counts


def test_a_volume_pools_its_slices_and_leaves_out_the_background() -> None:
    # Slice 1: 70 of 100 agree. Slice 2: 100 that are not found. The other volume is perfect.
    found = summarize(
        volumes((1, square(13), square(10)), (1, NOTHING, square(10)), (2, square(9), square(9)))
    )

    assert found["dice_volume"] == pytest.approx((140 / (100 + 200) + 1) / 2)
    assert found["dice_slice"] == pytest.approx((140 / 200 + 0 + 1) / 3)
    assert found["hausdorff_slice"] == pytest.approx((3 + math.hypot(39, 39) + 0) / 3)
    # The farthest is the first column of slice 2: to the next predicted pixel, 8 mm and 3 columns.
    assert found["hausdorff_volume"] == pytest.approx(math.hypot(8, 3) / 2)


def test_policy_of_empty_volumes() -> None:
    """A network that predicts nothing is right without lesions, and as wrong as can be with."""
    nothing_there = summarize(volumes((1, NOTHING, NOTHING)))
    nothing_found = summarize(volumes((1, NOTHING, square(10)), (1, NOTHING, NOTHING)))
    invented = summarize(volumes((1, square(10), NOTHING), (1, NOTHING, NOTHING)))

    scores = ("dice_slice", "dice_volume", "hausdorff_slice", "hausdorff_volume", "hd95_volume")
    assert [nothing_there[name] for name in scores] == [1, 1, 0, 0, 0]
    for found in (nothing_found, invented):
        assert (found["dice_volume"], found["dice_slice"]) == (0, 0.5)
        assert (
            found["hausdorff_volume"]
            == found["hd95_volume"]
            == pytest.approx(math.hypot(8, 39, 39))
        )
        assert found["hausdorff_slice"] == pytest.approx(math.hypot(39, 39) / 2)


def test_a_network_that_predicts_nothing_does_not_print_half() -> None:
    """The mean over background and lesion was 49.78 beside the paper's 72.70."""
    found = summarize(volumes((1, NOTHING, square(10)), (2, NOTHING, square(10))))

    assert found["dice"] > 0.45
    assert found["dice_volume"] == 0


@pytest.mark.parametrize("case", ["d1_9f_48x64_2o", "d2_6f_40x56_1o", "d3_13f_36x48_3o"])
def test_j_and_f_equal_the_toolkit_without_the_first_and_the_last_frame(case: str) -> None:
    golden = load_golden("davis.npz")
    predicted, true = (
        torch.from_numpy(golden[f"{case}/{name}"].astype(int)) for name in ("pred", "gt")
    )
    objects, _ = golden[f"{case}/J_MRD"].shape
    counts = count(predicted.where(predicted <= objects, 0), true, objects + 1, film=True)

    found = by_class(numbered(counts, *[1] * len(true)))

    assert found["davis_j"][1:].tolist() == pytest.approx(golden[f"{case}/J_MRD"][:, 0])
    assert found["davis_f"][1:].tolist() == pytest.approx(golden[f"{case}/F_MRD"][:, 0])
    assert found["davis_j"][0].isnan()


def test_every_film_counts_the_same_and_one_without_inner_frames_not_at_all() -> None:
    frames = (
        [(square(10), square(10))] * 3 + [(square(13), square(10))] * 4 + [(NOTHING, NOTHING)] * 2
    )
    predicted, true = (torch.cat(maps) for maps in zip(*frames, strict=True))

    found = summarize(numbered(count(predicted, true, 2, film=True), 1, 1, 1, 2, 2, 2, 2, 3, 3))

    assert found["davis_j"] == pytest.approx((1 + 70 / 130) / 2)


def test_a_frame_without_the_object_scores_one_as_in_the_toolkit() -> None:
    for predicted, true, score in (
        (NOTHING, NOTHING, 1),
        (square(10), NOTHING, 0),
        (NOTHING, square(10), 0),
    ):
        counts = count(predicted.repeat(3, 1, 1), true.repeat(3, 1, 1), 2, film=True)
        found = summarize(numbered(counts, 1, 1, 1))
        assert (found["davis_j"], found["davis_f"]) == (score, score)


@pytest.mark.parametrize(("tolerance", "key"), [(1, "1px"), (3, "3px"), (5, "5px")])
def test_boundary_f_davis_equals_the_toolkit_in_every_image(tolerance: int, key: str) -> None:
    from trainables.metrics.summaries import by_class as of_classes

    golden, compared = load_golden("metrics_boundary.npz"), 0
    for case in cases(golden):
        predicted, labels = (
            torch.from_numpy(golden[f"{case}/{name}"].astype(int))[None] for name in ("pred", "gt")
        )
        num_classes = int(golden[f"{case}/num_classes"])
        predicted = predicted.where(predicted < num_classes, 0)
        found = of_classes(count(predicted, labels, num_classes))[f"boundary_f_davis_{tolerance}px"]
        for cls in range(num_classes):
            if (name := f"{case}/cls{cls}/F_davis_{key}") in golden:
                assert found[cls].item() == pytest.approx(float(golden[name]), abs=1e-12), name
                compared += 1
    assert compared > 8


def test_photographs_have_no_series_and_resampled_images_are_none() -> None:
    predicted, labels = random_maps()
    weights_RN = torch.tensor([[1, 1, 1]])

    found = volumes(*[(1, square(13), square(10))] * 3)

    assert not {"dice_volume", "davis_j"} & summarize(count(predicted, labels, 4)).keys()
    assert "dice_volume" not in resample(found, weights_RN)
    assert "hausdorff" in resample(found, weights_RN)
