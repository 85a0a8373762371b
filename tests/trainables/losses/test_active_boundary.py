"""The paper's reading against loops written from its equations; the settings' errors."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.losses.active_boundary import active_boundary
from trainables.losses.kernels.directions import DIRECTIONS

ROWS, COLUMNS, CLASSES = 7, 9, 3


def scene(void: bool) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    labels = torch.zeros(1, ROWS, COLUMNS, dtype=torch.int64)
    labels[0, :, 3:], labels[0, 5:] = 1, 2
    if void:
        labels[0, 2:4, 6:] = VOID
    logits = torch.randn(1, CLASSES, ROWS, COLUMNS, generator=generator, dtype=torch.float64)
    return logits, labels


def divergence(p: list[float], q: list[float]) -> float:
    return sum(a * (math.log(a) - math.log(b)) for a, b in zip(p, q, strict=True))


def by_loops(
    logits: Tensor, labels: Tensor, ratio: float, theta: float, smoothing: float
) -> tuple[float, int]:
    """Eq. 1 to 4 for one image, pixel by pixel."""
    prob = {
        (r, c): logits[0, :, r, c].softmax(0).tolist() for r in range(ROWS) for c in range(COLUMNS)
    }
    label = {place: int(labels[0][place]) for place in prob}
    usable = {place for place in prob if label[place] != VOID}

    def pairs(r: int, c: int) -> list[tuple[int, int]]:
        both = [(r + 1, c), (r, c + 1)]
        return [other for other in both if other in usable and (r, c) in usable]

    strongest = {
        place: max((divergence(prob[place], prob[other]) for other in pairs(*place)), default=0.0)
        for place in prob
    }
    allowed = int(ROWS * COLUMNS * ratio)
    threshold = max(sorted(strongest.values(), reverse=True)[allowed], 1e-5)
    detected = {place for place, value in strongest.items() if value > threshold}
    dilated = {
        (r, c) for r, c in usable if any(max(abs(r - i), abs(c - j)) <= 1 for i, j in detected)
    }
    true = [place for place in usable if any(label[place] != label[o] for o in pairs(*place))]
    distance = {place: min(math.dist(place, site) for site in true) for place in prob}

    total, count = 0.0, 0
    for r, c in sorted(dilated):
        if distance[r, c] == 0:
            continue
        beside = [(r + down, c + right) for down, right in DIRECTIONS]
        reach = [distance[other] if other in usable else math.inf for other in beside]
        target = reach.index(min(reach))
        logit = [
            divergence(prob[r, c], prob[other]) if other in usable else 0.0 for other in beside
        ]
        normaliser = math.log(sum(map(math.exp, logit)))
        goal = [1 - smoothing if k == target else smoothing / 7 for k in range(8)]
        entropy = -sum(g * (x - normaliser) for g, x in zip(goal, logit, strict=True))
        total += min(distance[r, c], theta) / theta * entropy
        count += 1
    return total, count


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize(
    ("ratio", "theta", "smoothing"), [(0.1, 20.0, 0.2), (0.3, 2.0, 0.0), (0.05, 1.5, 0.5)]
)
def test_the_paper_by_loops(ratio: float, theta: float, smoothing: float, void: bool) -> None:
    logits, labels = scene(void)
    term = active_boundary(logits, labels, theta=theta, max_ratio=ratio, label_smoothing=smoothing)
    total, count = by_loops(logits, labels, ratio, theta, smoothing)
    assert count > 3
    assert term.count == count
    assert term.total.item() == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_detach_keeps_the_value_and_moves_chosen_pixels_only(variant: Any) -> None:
    logits, labels = scene(void=False)
    gradients = {}
    for detach in (True, False):
        leaf = logits.clone().requires_grad_()
        term = active_boundary(leaf, labels, max_ratio=0.02, detach=detach, variant=variant)
        term.total.backward()
        assert leaf.grad is not None
        gradients[detach] = (leaf.grad != 0).any(dim=1).sum().item()
        value = term.total.item()
    assert value == pytest.approx(
        active_boundary(logits, labels, max_ratio=0.02, variant=variant).total.item(), rel=1e-12
    )
    assert 0 < gradients[True] <= 9  # one pixel of 63, dilated
    assert gradients[True] < gradients[False]


def test_an_image_without_a_true_boundary_is_skipped() -> None:
    logits, labels = scene(void=False)
    term = active_boundary(logits, torch.zeros_like(labels))
    assert (term.total.item(), term.count.item()) == (0.0, 0)


def test_released_upsamples_and_paper_refuses() -> None:
    logits, labels = scene(void=False)
    small = logits[:, :, ::2, ::2]
    assert active_boundary(small, labels, variant="released").total.isfinite()
    with pytest.raises(ValueError, match="labels_BHW must be"):
        active_boundary(small, labels)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"theta": 0.0}, "theta must be a finite number of pixels > 0, got 0.0"),
        ({"label_smoothing": 1.0}, r"label_smoothing must be in \[0, 1\), got 1.0"),
        ({"max_ratio": 0.0}, r"max_ratio must be in \(0, 1\], got 0.0"),
    ],
)
def test_settings_out_of_range_are_named(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        active_boundary(*scene(void=False), **setting)
