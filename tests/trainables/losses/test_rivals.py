"""The losses beside those of the four papers: closed forms, and brute force from their papers."""

from itertools import product
from math import exp, log

import pytest
import torch
from torch import Tensor

from search_spaces.all_losses import ARMS
from tests.trainables.losses.scenes import labels_of, logits_of
from tests.trainables.losses.test_contract import batch
from trainables.config import TrialConfig
from trainables.config.rival_losses import RIVALS
from trainables.geometry.boundaries import VOID
from trainables.losses.affinity_field import affinity_field
from trainables.losses.boundary_dou import boundary_dou_loss
from trainables.losses.calibration import l1_ace
from trainables.losses.compose import ever_active
from trainables.losses.focal import focal_loss
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.hard_pixels import ohem_cross_entropy
from trainables.losses.jaccard import jaccard_metric_loss
from trainables.losses.margin_smoothing import margin_smoothing
from trainables.losses.overlap import dice_loss, tversky_loss
from trainables.losses.scnp import worst_neighbours
from trainables.losses.sources import FAMILIES
from trainables.losses.terms import TERMS
from trainables.losses.unified_focal import multiclass_unified_focal

# Two pixels of class 0 and one of class 1, and a void one.
PROB = [[0.8, 0.2, 0.0001], [0.5, 0.5, 0.0001], [0.3, 0.7, 0.0001], [0.2, 0.2, 0.6]]
LABELS = (0, 0, 1, VOID)


def scene() -> tuple[Tensor, Tensor]:
    prob = [[value / sum(pixel) for value in pixel] for pixel in PROB]
    return logits_of(prob), labels_of(*LABELS)


def value_of(term: tuple[Tensor, Tensor]) -> float:
    return float(term[0] / term[1])


def test_overlaps_of_three_pixels() -> None:
    """Class 0: |P G| 1.3, wrong 0.3, missed 0.7. Class 1: 0.7, 0.7, 0.3. Class 2 is absent."""
    given = scene()
    dice = [1 - 2.6 / (1.6 + 2), 1 - 1.4 / (1.4 + 1)]
    assert value_of(dice_loss(*given)) == pytest.approx(sum(dice) / 2, abs=2e-4)
    squares = [1 - 2.6 / (0.64 + 0.25 + 0.09 + 2), 1 - 1.4 / (0.04 + 0.25 + 0.49 + 1)]
    assert value_of(dice_loss(*given, squared=True)) == pytest.approx(sum(squares) / 2, abs=2e-4)
    tversky = [1 - 1.3 / (1.3 + 0.09 + 0.49), 1 - 0.7 / (0.7 + 0.21 + 0.21)]
    assert value_of(tversky_loss(*given)) == pytest.approx(sum(tversky) / 2, abs=2e-4)
    focal = sum(part**0.75 for part in tversky) / 2
    assert value_of(tversky_loss(*given, power=0.75)) == pytest.approx(focal, abs=2e-4)
    jaccard = [1 - 1.3 / 2.3, 1 - 0.7 / 1.7]
    assert value_of(jaccard_metric_loss(*given)) == pytest.approx(sum(jaccard) / 2, abs=2e-4)
    only = value_of(jaccard_metric_loss(*given, classes="foreground"))
    assert only == pytest.approx(jaccard[1], abs=2e-4)


def test_jaccard_of_smoothed_labels_is_zero_where_they_are_met() -> None:
    soft = 0.2 / 3
    logits = logits_of([[0.8 + soft, soft, soft], [soft, 0.8 + soft, soft]])
    met = jaccard_metric_loss(logits, labels_of(0, 1), label_smoothing=0.2)
    assert value_of(met) == pytest.approx(0, abs=1e-12)
    sharper = jaccard_metric_loss(2 * logits, labels_of(0, 1), label_smoothing=0.2)
    assert value_of(sharper) > 0.05


def test_focal_losses_of_one_pixel() -> None:
    given = logits_of([[0.8, 0.2]]), labels_of(0)
    assert value_of(focal_loss(*given)) == pytest.approx(-(0.2**2) * log(0.8))
    # The logits are log 0.8 and log 0.2, whose sigmoids are 4/9 and 1/6.
    of_class, of_rest = -((5 / 9) ** 2) * log(4 / 9), -((1 / 6) ** 2) * log(5 / 6)
    found = value_of(focal_loss(*given, form="sigmoid", alpha=0.25))
    assert found == pytest.approx((0.25 * of_class + 0.75 * of_rest) / 2)


def test_unified_focal_of_three_classes_treats_the_others_as_foreground() -> None:
    logits, labels = logits_of([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6]]), (0, 1, 2)
    focal = 0.4 * 0.5**0.5 * -log(0.5) + 0.6 * -log(0.7) + 0.6 * -log(0.6)
    wrong, missed, both = (0.3, 0.5, 0.4), (0.5, 0.3, 0.4), (0.5, 0.7, 0.6)
    error = [0.4 * fp + 0.6 * fn for fp, fn in zip(wrong, missed, strict=True)]
    ratio = [e / (tp + e) for e, tp in zip(error, both, strict=True)]
    tversky = (ratio[0] + ratio[1] ** 0.5 + ratio[2] ** 0.5) / 3
    found = value_of(multiclass_unified_focal(logits, labels_of(*labels)))
    assert found == pytest.approx(0.5 * tversky + 0.5 * focal / 3)


def test_hard_pixels_are_those_below_the_threshold_or_the_hardest() -> None:
    prob = [[p, 1 - p] for p in (0.9, 0.95, 0.6, 0.99)]
    given = logits_of(prob), labels_of(0, 0, 0, 0)
    below = ohem_cross_entropy(*given, threshold=0.7, share=0.25)
    assert below.count == 1
    assert value_of(below) == pytest.approx(-log(0.6))
    half = ohem_cross_entropy(*given, threshold=0.1, share=0.5)
    assert half.count == 2
    assert value_of(half) == pytest.approx(-(log(0.6) + log(0.9)) / 2)
    assert ohem_cross_entropy(*given, threshold=0.1, share=0.0).count == 0


def test_margin_smoothing_of_two_pixels() -> None:
    """Only logits more than the margin below the largest count; the label plays no part."""
    logits = torch.tensor([[5.0, 1.0, -7.0], [0.0, 3.0, 2.0]]).double().T[None, :, None, :]
    leaf = logits.clone().requires_grad_()
    term = margin_smoothing(leaf, labels_of(1, 2), margin=2.0)
    assert (term.total.item(), term.count.item()) == (2.0 + 10.0 + 1.0, 2)
    term.total.backward()
    assert leaf.grad is not None
    assert leaf.grad[0, :, 0].T.tolist() == [[2.0, -1.0, -1.0], [-1.0, 1.0, 0.0]]
    assert value_of(margin_smoothing(logits, labels_of(1, 2), margin=12.0)) == 0
    released = margin_smoothing(logits, labels_of(1, 2), margin=2.0, variant="released")
    assert value_of(released) == pytest.approx(13 / 6)


def test_calibration_error_of_four_pixels() -> None:
    """Two bins. Class 0: (0.8 + 0.9)/2 against 1/2, and (0.4 + 0.3)/2 against 1/2."""
    prob = [[p, 1 - p] for p in (0.8, 0.9, 0.4, 0.3)]
    term = l1_ace(logits_of(prob), labels_of(0, 1, 0, 1), bins=2)
    gap = (abs(0.85 - 0.5) + abs(0.35 - 0.5)) / 2
    assert value_of(term) == pytest.approx(gap)  # class 1 has the same gaps
    given = logits_of([[0.5, 0.5], [0.2, 0.8]]), labels_of(0, 1)
    border = l1_ace(*given, bins=2, classes="foreground")  # 0.5 is in the lower bin
    assert value_of(border) == pytest.approx((0.5 + 0.2) / 2)


def test_boundary_dou_of_a_square() -> None:
    """A 4x4 square has 12 pixels on its boundary, so alpha is 1 - 24/16, at least 0; outside,
    of 48 pixels 16 touch it: 1 - 32/48."""
    labels = torch.zeros(1, 8, 8, dtype=torch.int64)
    labels[:, 2:6, 2:6] = 1
    p = 1 / (1 + exp(-2.0))
    inside = (labels == 1).double()
    logits = torch.stack([2.0 * (1 - inside), 2.0 * inside], dim=1)
    expected = 0.0
    for size, alpha in ((48, 1 / 3), (16, 0.0)):
        square = size * p**2 + (64 - size) * (1 - p) ** 2
        difference = square + size - 2 * size * p
        expected += difference / (difference + (1 - alpha) * size * p) / 2
    assert value_of(boundary_dou_loss(logits, labels)) == pytest.approx(expected)


def _of_pair(p: Tensor, q: Tensor) -> Tensor:
    return p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()


def test_affinity_field_by_brute_force() -> None:
    logits, labels = batch(images=1, rows=4, columns=5)
    prob, valid = logits.softmax(dim=1)[0], (labels[0] != VOID).tolist()
    different: list[Tensor] = []
    equal: list[Tensor] = []
    for row, column, down, right in product(range(4), range(5), (-1, 0, 1), (-1, 0, 1)):
        y, x = row + down, column + right
        if (y, x) == (row, column) or not (0 <= y < 4 and 0 <= x < 5):
            continue
        if not (valid[row][column] and valid[y][x]):
            continue
        for k in range(3):
            kl = _of_pair(prob[k, y, x], prob[k, row, column])
            if (labels[0, y, x] == k) != (labels[0, row, column] == k):
                different.append((3 - kl).clamp(min=0))
            else:
                equal.append(kl)
    expected = torch.stack(different).mean() + torch.stack(equal).mean()
    term = affinity_field(logits, labels)
    torch.testing.assert_close(term.value(), expected)
    (mine,), (theirs,) = (torch.autograd.grad(x, logits) for x in (term.total, expected))
    torch.testing.assert_close(mine, theirs)


def test_void_neighbours_do_not_worsen_a_pixel() -> None:
    logits = torch.tensor([[1.0, -9.0, 2.0], [0.0, 9.0, 4.0]]).T.T[None, :, None, :]
    worst = worst_neighbours(logits, labels_of(0, VOID, 1))
    assert worst[0, :, 0].tolist() == [[1.0, 0.0, 2.0], [0.0, 0.0, 4.0]]


def test_dice_of_one_class_is_generalised_dice() -> None:
    logits, labels = batch()
    labels = torch.where(labels == VOID, VOID, 1)
    torch.testing.assert_close(
        dice_loss(logits, labels, classes="foreground"),
        generalised_dice(logits, labels, classes="foreground"),
    )


def test_every_loss_is_an_arm_and_has_a_source() -> None:
    configs = [TrialConfig().changed(cell.changes).loss for cell in ARMS.cells]
    assert set(RIVALS) <= {name for loss in configs for name in ever_active(loss)}
    assert len(ARMS.cells) == 27
    assert len({*RIVALS}) == len(RIVALS)
    assert {name for family in FAMILIES.values() for name in family} == set(TERMS)
