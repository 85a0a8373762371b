"""SegFix's targets, offsets and correction: the authors' outputs, and brute force.

Shape letters: H rows, W columns.
"""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.geometry.boundaries import VOID
from trainables.refinement import segfix
from trainables.refinement.segfix_targets import interior, near

ARRAYS = golden.load("segfix")
CASES = sorted({key.partition("/")[0] for key in ARRAYS})
REFINED = [(name, scale) for name in ("gt", "random") for scale in (1, 2)]
NUM_CLASSES = 19

cases = pytest.mark.parametrize("case", CASES)


def integers(case: str, name: str) -> Tensor:
    """int64 with a batch axis before the others."""
    return golden.labels(ARRAYS[f"{case}/{name}"]).unsqueeze(0)


@golden.needs_golden
@cases
def test_targets_are_the_authors(case: str) -> None:
    labels_1HW = integers(case, "train_ids")
    depth_1HW, angle_1HW = interior(labels_1HW, NUM_CLASSES, variant="released")
    void_1HW = labels_1HW == VOID
    assert torch.equal(depth_1HW.nan_to_num(0.0).long(), integers(case, "depth"))
    assert torch.equal(near(depth_1HW), integers(case, "mask_label"))
    assert torch.equal(angle_1HW.isnan(), void_1HW)
    away_1HW = (angle_1HW - integers(case, "angle")).nan_to_num(0.0).abs()
    # One of their steps of two degrees where float32 rounds, and what is symmetric turns anywhere.
    assert (away_1HW > 0).float().mean() <= 0.01
    stored_1HW = ((angle_1HW + 180) / 2).nan_to_num(90.0).long()
    assert (stored_1HW != integers(case, "dir_deg")).float().mean() <= 0.01


@golden.needs_golden
@cases
def test_bins_are_the_authors(case: str) -> None:
    void_1HW = integers(case, "train_ids") == VOID
    angle_1HW = integers(case, "angle").float().masked_fill(void_1HW, torch.nan)
    for directions in (4, 8, 16):
        found_1HW = segfix.bins(angle_1HW, directions)
        assert torch.equal(found_1HW, integers(case, f"direction_label{directions}"))
    eight_1HW = segfix.bins(angle_1HW, 8)
    far_1HW = (integers(case, "depth") > 5) & ~void_1HW
    beyond_1HW = eight_1HW.masked_fill(far_1HW, 8)
    assert torch.equal(beyond_1HW, integers(case, "direction_label8_distance"))


@golden.needs_golden
@cases
def test_offsets_are_the_authors(case: str) -> None:
    near_B2HW, direction_B8HW = (
        torch.from_numpy(ARRAYS[f"{case}/pred_{name}_logits"]) for name in ("mask", "dir")
    )
    found_B2HW = segfix.offsets(near_B2HW, direction_B8HW, variant="released")
    expected_B2HW = golden.labels(ARRAYS[f"{case}/pred_offset"]).movedim(3, 1)
    assert torch.equal(found_B2HW, expected_B2HW)
    # Theirs of the truth point right at void, whose depth is 0.
    bins_1HW, close_1HW = segfix.bins(integers(case, "angle").float(), 8), integers(case, "depth")
    true_12HW = segfix.along(bins_1HW, 8, close_1HW <= 5)
    assert torch.equal(true_12HW, integers(case, "offset8_gt").movedim(3, 1))


@golden.needs_golden
@cases
@pytest.mark.parametrize(("name", "scale"), REFINED)
def test_the_correction_is_the_authors(case: str, name: str, scale: int) -> None:
    noisy_1HW = integers(case, "noisy_label")
    if name == "gt":
        offsets_12HW = integers(case, "offset8_gt").movedim(3, 1)
    else:
        offsets_12HW = integers(case, "random_offset")
    right_11HW = segfix.corrected(noisy_1HW.unsqueeze(1), offsets_12HW, scale=scale)
    faulty_1HW = segfix.shifted_labels(noisy_1HW, offsets_12HW, scale=scale)
    assert torch.equal(
        right_11HW.squeeze(1), integers(case, f"refined_{name}_scale{scale}_aligned")
    )
    assert torch.equal(faulty_1HW.long(), integers(case, f"refined_{name}_scale{scale}_default"))


@golden.needs_golden
@cases
def test_no_offset_changes_nothing_but_in_the_released_code(case: str) -> None:
    noisy_1HW = integers(case, "noisy_label")
    zero_12HW = torch.zeros(1, 2, *noisy_1HW.shape[-2:], dtype=torch.int64)
    right_11HW = segfix.corrected(noisy_1HW.unsqueeze(1), zero_12HW)
    assert torch.equal(right_11HW.squeeze(1), integers(case, "refined_zero_aligned"))
    assert torch.equal(right_11HW.squeeze(1), noisy_1HW)
    faulty_1HW = segfix.shifted_labels(noisy_1HW, zero_12HW).long()
    assert torch.equal(faulty_1HW, integers(case, "refined_zero_default"))
    assert not torch.equal(faulty_1HW, noisy_1HW)


def brute_interior(labels_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth and angle of section 3, pixel by pixel."""
    rows, columns = labels_HW.shape
    depth_HW, angle_HW = (np.full(labels_HW.shape, np.nan) for _ in range(2))
    for row, column in np.argwhere(labels_HW != VOID):
        others = np.argwhere((labels_HW != labels_HW[row, column]) & (labels_HW != VOID))
        depth_HW[row, column] = np.hypot(*(others - (row, column)).T).min()
    for row, column in np.argwhere(labels_HW != VOID):
        down = right = 0.0
        for y in range(-2, 3):
            for x in range(-2, 3):
                at = np.clip(row + y, 0, rows - 1), np.clip(column + x, 0, columns - 1)
                if (y, x) != (0, 0) and labels_HW[at] == labels_HW[row, column]:
                    right += x / (x * x + y * y) * depth_HW[at]
                    down += y / (x * x + y * y) * depth_HW[at]
        if math.hypot(down, right) > 1e-4:
            angle_HW[row, column] = math.degrees(math.atan2(down, right))
    return depth_HW, angle_HW


def blobs(rows: int, columns: int, seed: int = 0) -> Tensor:
    """int64 (1,H,W): three classes in patches, with some void."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(3, (rows // 4 + 1, columns // 4 + 1), generator=generator)
    labels_HW = coarse.repeat_interleave(4, 0).repeat_interleave(4, 1)[:rows, :columns].clone()
    labels_HW[torch.rand(rows, columns, generator=generator) < 0.05] = VOID
    return labels_HW.unsqueeze(0)


def vectors(angle_HW: Tensor) -> Tensor:
    """(2,H,W): so that -180 and 180 are equal; zeros where there is no angle."""
    radians_HW = angle_HW.double().deg2rad()
    return torch.stack((radians_HW.cos(), radians_HW.sin())).nan_to_num(0.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_targets_follow_the_paper(seed: int) -> None:
    labels_1HW = blobs(15, 18, seed)
    depth_1HW, angle_1HW = interior(labels_1HW, 3)
    expected_depth, expected_angle = map(torch.from_numpy, brute_interior(labels_1HW[0].numpy()))
    torch.testing.assert_close(depth_1HW[0].double(), expected_depth, equal_nan=True)
    assert torch.equal(angle_1HW[0].isnan(), expected_angle.isnan())
    torch.testing.assert_close(vectors(angle_1HW[0]), vectors(expected_angle), atol=1e-4, rtol=0)


def test_images_do_not_depend_on_each_other() -> None:
    both_2HW = torch.cat((blobs(16, 20, 0), blobs(16, 20, 1)))
    for variant in ("paper", "released"):
        together = interior(both_2HW, 3, variant=variant)
        apart = [interior(one_HW.unsqueeze(0), 3, variant=variant) for one_HW in both_2HW]
        for map_2HW, *maps in zip(together, *apart, strict=True):
            torch.testing.assert_close(map_2HW, torch.cat(maps), equal_nan=True, rtol=0, atol=0)


def test_a_class_alone_has_no_boundary_and_no_direction() -> None:
    alone = torch.full((1, 9, 9), 1)
    alone[0, 0, :3] = VOID
    depth_1HW, angle_1HW = interior(alone, 2)
    assert depth_1HW[alone != VOID].isinf().all()
    assert angle_1HW.isnan().all()
    near_1HW = near(depth_1HW)
    assert torch.equal(near_1HW, torch.where(alone == VOID, segfix.UNKNOWN, 0))


def test_a_mirrored_image_has_mirrored_directions() -> None:
    labels_1HW = blobs(24, 30)
    labels_1HW[0, :, 15:] = torch.where(labels_1HW[0, :, 15:] == 0, 1, labels_1HW[0, :, 15:])
    straight, mirrored = interior(labels_1HW, 3), interior(labels_1HW.flip(-1), 3)
    turned_1HW = segfix.flipped(straight.angle_BHW)
    expected = vectors(mirrored.angle_BHW)
    torch.testing.assert_close(vectors(turned_1HW), expected, atol=1e-4, rtol=0)


def test_along_a_straight_boundary_every_depth_has_the_same_of_four_bins() -> None:
    """Its angle is the border of two bins, exactly; rounding would decide by the depth."""
    labels_1HW = torch.zeros(1, 40, 60, dtype=torch.int64)
    labels_1HW[:, :, 31:] = 1
    for turned_1HW, angles in ((labels_1HW, {180.0, 0.0}), (labels_1HW.mT, {-90.0, 90.0})):
        angle_1HW = interior(turned_1HW.contiguous(), 2).angle_BHW
        assert set(angle_1HW[~angle_1HW.isnan()].tolist()) == angles
        for number in (0, 1):
            own_1HW = segfix.bins(angle_1HW, 4)[(turned_1HW == number) & ~angle_1HW.isnan()]
            assert len(own_1HW.unique()) == 1


def test_level_directions_turn_round_but_in_the_released_code() -> None:
    angles_13 = torch.tensor([[[0.0, 180.0, -180.0, 45.0, -135.0, 90.0]]])
    turned = segfix.flipped(angles_13)[0, 0].tolist()
    assert turned[:3] == [90.0, -45.0, 135.0]
    assert [abs(angle) for angle in turned[3:]] == [0.0, 0.0, 180.0]
    released = segfix.flipped(angles_13, variant="released")[0, 0].tolist()
    assert released == [90.0, -45.0, 135.0, -180.0, 180.0, 0.0]


def test_an_offset_needs_a_probable_boundary() -> None:
    """The released code compares the raw logit: 0.4 against -3 is sure, and is not moved."""
    near_logits = torch.tensor([-3.0, 0.4]).view(1, 2, 1, 1)
    right = torch.zeros(1, 8, 1, 1)
    right[:, 4] = 1
    assert segfix.offsets(near_logits, right).flatten().tolist() == [0, 1]
    assert segfix.offsets(near_logits, right, variant="released").flatten().tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"^directions must be 4 or 8, got 5$"):
        segfix.offsets(near_logits, right[:, :5])


@pytest.mark.parametrize("directions", [4, 8])
def test_each_bin_points_along_its_angles(directions: int) -> None:
    degrees = torch.arange(-180, 180, 7.0).view(1, 1, -1)
    close = torch.ones_like(degrees, dtype=torch.bool)
    down, right = segfix.along(segfix.bins(degrees, directions), directions, close)[0, :, 0]
    along = right * degrees.deg2rad().cos() + down * degrees.deg2rad().sin()
    cosine = along / torch.hypot(right.float(), down.float())
    assert cosine.min() >= math.cos(math.pi / directions) - 1e-6


def test_released_scores_are_those_of_its_labels() -> None:
    """Also of a class that is in neither neighbour: the rounded mean of 0 and 2."""
    logits_1328 = torch.zeros(1, 3, 2, 8)
    logits_1328[:, 0, :, :1], logits_1328[:, 2, :, 1:] = 1, 1
    still = torch.zeros(1, 2, 2, 8, dtype=torch.int64)
    labels = segfix.corrected_as_released(logits_1328, still).argmax(dim=1)
    assert labels.unique().tolist() == [0, 1, 2]
    assert torch.equal(segfix.corrected(logits_1328, still), logits_1328)
