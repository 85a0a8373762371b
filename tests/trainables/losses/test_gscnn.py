"""GSCNN's losses: its code's outputs, closed forms, and brute force from its paper."""

from itertools import pairwise
from math import exp

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.geometry.boundaries import VOID, one_hot
from trainables.losses.boundary_cross_entropy import boundary_cross_entropy
from trainables.losses.cross_entropy import (
    balanced_cross_entropy,
    cross_entropy,
    edge_attention,
    frequency_weights,
)
from trainables.losses.dual_task import dual_task
from trainables.losses.kernels.gaussian import blurred

ARRAYS = golden.load("gscnn")
CASES = golden.keys_of(ARRAYS, "/seg_logits")


def given(case: str) -> tuple[Tensor, Tensor]:
    """Float32 logits, as the public code takes them, and labels."""
    leaf = torch.from_numpy(ARRAYS[f"{case}/seg_logits"]).float().requires_grad_()
    return leaf, golden.labels(ARRAYS[f"{case}/seg_target"])


def edges(case: str) -> tuple[Tensor, Tensor]:
    """The network's probabilities (B,H,W), and what their truth is: 1, 0, or more where void."""
    prob = torch.from_numpy(ARRAYS[f"{case}/edge_prob"])[:, 0].float().requires_grad_()
    return prob, golden.labels(ARRAYS[f"{case}/edge_target"])[:, 0]


def expected(key: str) -> tuple[np.ndarray, np.ndarray]:
    return ARRAYS[f"{key}/loss"], ARRAYS[f"{key}/grad"]


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_the_balanced_cross_entropy_is_summed_over_images(case: str) -> None:
    logits, labels = given(case)
    weights = frequency_weights(labels, 19)
    np.testing.assert_allclose(weights.numpy(), ARRAYS[f"{case}/class_weights"], rtol=1e-6)
    total = balanced_cross_entropy(logits, labels).total
    assert ARRAYS[f"{case}/joint/seg_loss"] == ARRAYS[f"{case}/seg/loss"]
    golden.assert_equal_to_authors(total, logits, *expected(f"{case}/seg"))
    measured = cross_entropy(logits, labels).value().item()
    assert measured == pytest.approx(float(ARRAYS[f"{case}/val_ce"]), rel=1e-5)


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_the_edge_loss_takes_the_sigmoid_twice(case: str) -> None:
    prob, truth = edges(case)
    term = boundary_cross_entropy(prob, truth == 1, truth <= 1, variant="released")
    assert 20 * term.value().item() == pytest.approx(float(ARRAYS[f"{case}/joint/edge_loss"]))
    golden.assert_equal_to_authors(term.value(), prob, *expected(f"{case}/bce2d"))


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_attention_is_where_a_probability_is_above_the_threshold(case: str) -> None:
    logits, labels = given(case)
    prob, _ = edges(case)
    term = edge_attention(logits, labels, prob.logit(), confident_on="probability")
    loss, gradient = expected(f"{case}/att")
    if np.isnan(loss):
        assert (term.total.item(), term.count.item()) == (0.0, 0)
        return
    on_prob = edge_attention(logits, labels, prob).total.item()
    assert on_prob == pytest.approx(float(loss), rel=1e-5)
    golden.assert_equal_to_authors(term.total, logits, loss, gradient)


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_the_released_dual_loss_with_its_noise(case: str) -> None:
    logits, labels = given(case)
    uniform = torch.from_numpy(ARRAYS[f"{case}/gumbel_uniform"]).view_as(logits)
    noise = -(1e-10 - (uniform + 1e-10).log()).log()
    term = dual_task(logits, labels, variant="released", gumbel_BKHW=noise)
    golden.assert_equal_to_authors(term.value(), logits, *expected(f"{case}/dual"))
    without = dual_task(logits, labels, variant="released").value()
    assert without == dual_task(logits, labels, variant="released").value()
    assert without != term.value()


@golden.needs_golden
def test_the_released_magnitude_is_of_a_pixel_alone() -> None:
    for case in CASES:
        map_BKHW = torch.from_numpy(ARRAYS[f"{case}/seg_logits"]).float()[:, :3]
        magnitude = (2 * map_BKHW.square() + 1e-6).sqrt()
        found = (magnitude / magnitude.max()).numpy()
        np.testing.assert_allclose(found, ARRAYS[f"{case}/grad_mag_as_released"], rtol=1e-5)


def gaussian(sigma: float, radius: int) -> list[float]:
    weights = [exp(-0.5 * (place / sigma) ** 2) for place in range(-radius, radius + 1)]
    return [weight / sum(weights) for weight in weights]


def brute_zeta(map_KHW: np.ndarray, valid_HW: np.ndarray, sigma: float, radius: int) -> np.ndarray:
    """The paper's formula, pixel by pixel, with means over valid pixels."""
    _, rows, columns = map_KHW.shape
    weights = gaussian(sigma, radius)
    mean_KHW = np.zeros_like(map_KHW)
    for row in range(rows):
        for column in range(columns):
            share = 0.0
            for down in range(-radius, radius + 1):
                for right in range(-radius, radius + 1):
                    place = row + down, column + right
                    inside = 0 <= place[0] < rows and 0 <= place[1] < columns
                    if inside and valid_HW[place]:
                        weight = weights[down + radius] * weights[right + radius]
                        share += weight
                        mean_KHW[:, row, column] += weight * map_KHW[(slice(None), *place)]
            mean_KHW[:, row, column] /= share or 1.0
    padded = np.pad(mean_KHW, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down_KHW = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    right_KHW = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    norm = (down_KHW**2 + right_KHW**2).sum(axis=0) / 2
    zeta: np.ndarray = np.sqrt(norm + 1e-6) - 1e-3
    return zeta


def test_the_dual_loss_by_brute_force() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = 2 * torch.randn(2, 3, 11, 13, generator=generator).double()
    labels = torch.zeros(2, 11, 13, dtype=torch.int64)
    labels[:, :, 3:5], labels[0, 8:], labels[1, :2, 9:] = 1, 2, VOID
    labels[1, :, 5:] = torch.where(labels[1, :, 5:] == VOID, VOID, 1)
    sigma, radius, total, count = 0.5, 2, 0.0, 0
    for scores, truth in zip(logits, labels, strict=True):
        valid = (truth != VOID).numpy()
        true_KHW = one_hot(truth.unsqueeze(0), 3)[0].double().numpy()
        prob_KHW, largest = scores.softmax(dim=0).numpy(), scores.argmax(dim=0).numpy()
        found, true = (brute_zeta(x, valid, sigma, radius) for x in (prob_KHW, true_KHW))
        for row, column in np.argwhere(valid):
            around = (
                slice(max(row - radius - 1, 0), row + radius + 2),
                slice(max(column - radius - 1, 0), column + radius + 2),
            )
            known = valid[around]
            seen = [set(x[around][known].tolist()) for x in (truth.numpy(), largest)]
            if max(map(len, seen)) > 1:
                total, count = total + abs(found[row, column] - true[row, column]), count + 1
    term = dual_task(logits, labels, sigma=sigma)
    assert term.count.item() == count > 0
    assert term.total.item() == pytest.approx(total, rel=1e-9)


def step(columns: int = 40, at: int = 20, rows: int = 24) -> Tensor:
    """Labels 0 left of a column, 1 from it on."""
    labels = torch.zeros(1, rows, columns, dtype=torch.int64)
    labels[..., at:] = 1
    return labels


def scores_of(labels: Tensor, sharpness: float = 60.0) -> Tensor:
    return sharpness * one_hot(labels, 2).double()


def test_a_straight_boundary_that_is_not_predicted() -> None:
    """zeta' of a step is half the sum of two weights of the Gaussian, at each distance from it."""
    labels, weights = step(), gaussian(2.0, 6)
    term = dual_task(torch.zeros(1, 2, 24, 40).double(), labels)
    around = [0.0, *weights, 0.0]
    profile = [(a + b) / 2 for a, b in pairwise(around)]
    one_row = sum((value**2 + 1e-6) ** 0.5 - 1e-3 for value in profile)
    assert term.count.item() == 24 * 14
    assert term.total.item() == pytest.approx(24 * one_row, rel=1e-6)


def test_it_falls_as_the_boundary_moves_to_its_place() -> None:
    labels = step()
    values = [dual_task(scores_of(step(at=at)), labels).value().item() for at in (28, 24, 22, 20)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(0, abs=1e-12)
    assert values[0] > 0.05


def test_released_does_not_see_where_a_pixel_is() -> None:
    """The fault of the code: pixels in another order have the same loss; not so by the paper."""
    generator = torch.Generator().manual_seed(1)
    order = torch.randperm(24 * 40, generator=generator)
    labels, logits = step(), torch.randn(1, 2, 24, 40, generator=generator).double()
    moved = labels.flatten(1)[:, order].view_as(labels)
    moved_logits = logits.flatten(2)[..., order].view_as(logits)
    for variant, same in (("released", True), ("paper", False)):
        values = [
            dual_task(x, y, variant=variant).value().item()  # type: ignore[arg-type]
            for x, y in ((logits, labels), (moved_logits, moved))
        ]
        assert (values[0] == pytest.approx(values[1], rel=1e-9)) == same


@pytest.mark.parametrize("labels", [step(at=40), torch.full((1, 24, 40), VOID)])
def test_without_a_boundary_it_is_zero_and_has_a_gradient(labels: Tensor) -> None:
    logits = torch.zeros(1, 2, 24, 40).double().requires_grad_()
    term = dual_task(logits, labels)
    term.value().backward()
    assert (term.total.item(), term.count.item()) == (0.0, 0)
    assert logits.grad is not None
    assert not logits.grad.any()


def test_a_blur_keeps_the_sum_and_is_its_own_gradient() -> None:
    point = torch.zeros(1, 2, 15, 17).double()
    point[..., 7, 8] = 1
    found, weights = blurred(point, 1.0), torch.tensor(gaussian(1.0, 3)).double()
    torch.testing.assert_close(found[0, 0, 4:11, 5:12], weights.view(-1, 1) * weights)
    assert found.sum().item() == pytest.approx(2)
    map_ = torch.rand(1, 2, 3, 5).double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: blurred(x, 0.8).square(), map_)
