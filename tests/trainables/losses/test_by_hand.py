"""Losses without public code, and the papers' readings of the others, worked out by hand."""

import math
from collections.abc import Iterator
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.trainables.losses.cases import edge_net
from trainables.geometry.boundaries import VOID
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.boundary_cross_entropy import boundary_cross_entropy, edge_head_loss
from trainables.losses.cross_entropy import balanced_cross_entropy, cross_entropy
from trainables.losses.full_divergence import full_divergence
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.inverse_form import inverse_form
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_hinge, lovasz_softmax
from trainables.losses.semeda import ppce_on_edges, semeda


def logits_of(prob: list[list[float]]) -> Tensor:
    """(1,K,1,W) logits whose softmax is these probabilities: one list a pixel."""
    return torch.tensor(prob, dtype=torch.float64).log().T[None, :, None, :]


def labels_of(*labels: int) -> Tensor:
    return torch.tensor(labels)[None, None]


def random_scene(rows: int = 13, columns: int = 17, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(0, classes, (2, rows, columns), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = VOID
    return torch.randn(2, classes, rows, columns, generator=generator).double(), labels


def test_full_divergence_of_three_pixels() -> None:
    logits = logits_of([[0.5, 0.5], [0.9, 0.1], [0.9, 0.1]])
    first = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    term = full_divergence(logits, labels_of(0, 1, 1))
    # The labels of the first edge differ; the second edge has no divergence, and costs ln 2.
    assert term.total.item() == pytest.approx(math.log1p(math.exp(-first)) + math.log(2))
    assert term.count == 2
    alone = full_divergence(logits, labels_of(0, 0, VOID))
    assert alone.total.item() == pytest.approx(math.log1p(math.exp(first)))
    assert alone.count == 1


def test_full_divergence_meets_every_edge_once() -> None:
    logits, labels = random_scene()
    log_prob = logits.log_softmax(1)
    total, count = 0.0, 0
    for b in range(2):
        for r in range(13):
            for c in range(17):
                for i, j in ((r + 1, c), (r, c + 1)):
                    if i == 13 or j == 17 or VOID in (labels[b, r, c], labels[b, i, j]):
                        continue
                    p, q = log_prob[b, :, r, c], log_prob[b, :, i, j]
                    kl = (p.exp() * (p - q)).sum()
                    differs = (labels[b, r, c] != labels[b, i, j]).double()
                    total += F.binary_cross_entropy_with_logits(kl, differs).item()
                    count += 1
    term = full_divergence(logits, labels)
    assert term.count == count
    assert term.total.item() == pytest.approx(total)


def test_affinity_of_an_image_of_two_halves() -> None:
    """Left all class 0, right all class 1, predicted with certainty p and q."""
    p, q = 0.8, 0.7
    row = [[p, 1 - p]] * 12 + [[1 - q, q]] * 12
    logits = logits_of(row).expand(1, 2, 12, 24)
    labels = labels_of(*[0] * 12, *[1] * 12).expand(1, 12, 24)
    across = math.sqrt(p * (1 - q)) + math.sqrt((1 - p) * q)
    term = affinity_regression(logits, labels)
    assert term.count == 180**2
    # Within a half, equal distributions have affinity 1: only pairs across cost anything.
    assert term.value().item() == pytest.approx(across**2 / 2)
    product = affinity_regression(logits, labels, kernel="dot_product").value().item()
    within = (p * p + (1 - p) ** 2, q * q + (1 - q) ** 2)
    dot_across = p * (1 - q) + (1 - p) * q
    expected = ((1 - within[0]) ** 2 + (1 - within[1]) ** 2) / 4 + dot_across**2 / 2
    assert product == pytest.approx(expected)


def test_affinity_regression_from_the_definition() -> None:
    logits, labels = random_scene(25, 31)
    total, count = 0.0, 0
    for image, truth in zip(logits, labels, strict=True):
        score = torch.cat([F.interpolate(image[None], size=s)[0].flatten(1) for s in (12, 6)], 1)
        label = torch.cat(
            [F.interpolate(truth[None, None].double(), size=s).flatten() for s in (12, 6)]
        )
        root = score.softmax(0).sqrt()
        kept = label != VOID
        error = (root.T @ root - (label[:, None] == label[None]).double()) ** 2
        total += error[kept][:, kept].sum().item()
        count += int(kept.sum()) ** 2
    term = affinity_regression(logits, labels)
    assert term.count == count
    assert term.total.item() == pytest.approx(total)


def test_affinity_regression_pools_the_valid_pixels_of_a_cell() -> None:
    logits, _ = random_scene(24, 24)
    labels = torch.zeros(2, 24, 24, dtype=torch.int64)
    pooled = torch.cat([F.avg_pool2d(logits, 24 // s).flatten(2) for s in (12, 6)], dim=2)
    root = pooled.softmax(1).sqrt()
    expected = (root.transpose(1, 2) @ root - 1).square().mean().item()
    actual = affinity_regression(logits, labels, sampling="average").value().item()
    assert actual == pytest.approx(expected)


@pytest.mark.parametrize("matching", ["before_relu", "after_relu"])
@pytest.mark.parametrize("lambdas", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.5, 0.25)])
def test_semeda_is_the_l1_between_embeddings(
    lambdas: tuple[float, float, float], matching: Any
) -> None:
    logits, labels = random_scene()
    labels = labels % 3  # no void
    predicted = edge_net(logits.softmax(1))
    true = edge_net(F.one_hot(labels, 3).permute(0, 3, 1, 2).double())
    if matching == "after_relu":
        predicted, true = ([*map(torch.relu, e[:2]), e[2].softmax(1)] for e in (predicted, true))
    expected = sum(
        weight * (a - b).abs().sum().item()
        for weight, a, b in zip(lambdas, predicted, true, strict=True)
    )
    term = semeda(logits, labels, edge_net=edge_net, lambdas=lambdas, matching=matching)
    assert term.total.item() == pytest.approx(expected)
    assert term.count == labels.numel()


def test_semeda_of_a_perfect_prediction_is_nothing() -> None:
    _, labels = random_scene()
    logits = F.one_hot(labels.clamp(max=2), 3).permute(0, 3, 1, 2).double() * 100
    assert semeda(logits, labels, edge_net=edge_net).total.item() == pytest.approx(0, abs=1e-9)


def test_semeda_asks_for_no_layer_beyond_the_last_with_a_weight() -> None:
    def lazy(prob: Tensor) -> Iterator[Tensor]:
        yield from edge_net(prob)[:2]
        raise AssertionError("the third layer has no weight")

    logits, labels = random_scene()
    terms = [semeda(logits, labels, edge_net=net) for net in (lazy, edge_net)]
    assert terms[0].total.item() == terms[1].total.item()


def test_semeda_refuses_other_lambdas() -> None:
    logits, labels = random_scene()
    with pytest.raises(ValueError, match="lambdas must be three finite numbers >= 0"):
        semeda(logits, labels, edge_net=edge_net, lambdas=(1.0, -1.0, 0.0))


def test_ppce_on_edges_is_cross_entropy_of_the_edge_net() -> None:
    logits, labels = random_scene()
    labels = labels % 3
    boundary = labels > 1
    expected = F.cross_entropy(edge_net(logits.softmax(1))[2], boundary.long()).item()
    term = ppce_on_edges(logits, labels, boundary, edge_net=edge_net)
    assert term.value().item() == pytest.approx(expected)


def test_the_edge_head_is_unweighted() -> None:
    logits = torch.tensor([[[0.0, 2.0, -1.0]]])
    boundary, valid = torch.tensor([[[True, False, True]]]), torch.tensor([[[True, True, False]]])
    term = edge_head_loss(logits, boundary, valid)
    assert term.total.item() == pytest.approx(math.log(2) + math.log1p(math.exp(2)))
    assert term.count == 2


def test_boundary_cross_entropy_balances_each_image() -> None:
    logits = torch.zeros(2, 1, 4)
    boundary = torch.tensor([[[True, False, False, False]], [[True, True, False, False]]])
    valid = torch.ones_like(boundary)
    # First image: 1 of 4 weighs 3/4, 3 of 4 weigh 1/4; second: 4 pixels weigh 1/2.
    paper = boundary_cross_entropy(logits, boundary, valid)
    assert paper.total.item() == pytest.approx(math.log(2) * (3 / 4 + 3 / 4 + 2))
    released = boundary_cross_entropy(logits, boundary, valid, variant="released")
    assert released.total.item() == pytest.approx(math.log(2) * (3 * 5 / 8 + 5 * 3 / 8))


def test_cross_entropy_weighs_classes_as_torch_does() -> None:
    logits, labels = random_scene()
    weights = torch.tensor([1.0, 0.25, 0.0]).double()
    expected = F.cross_entropy(logits, labels, weights, ignore_index=VOID).item()
    term = cross_entropy(logits, labels, class_weights_K=weights)
    assert term.value().item() == pytest.approx(expected)
    smoothed = cross_entropy(logits, labels, class_weights_K=weights, label_smoothing=0.2)
    log_prob = logits.log_softmax(1)
    others = log_prob.sum(1) - log_prob.gather(1, labels.clamp(max=2).unsqueeze(1)).squeeze(1)
    own = log_prob.sum(1) - others
    weight = weights[labels.clamp(max=2)] * (labels != VOID)
    total = -(weight * (0.8 * own + 0.1 * others)).sum().item()
    assert smoothed.total.item() == pytest.approx(total)


def test_weights_smaller_than_one_still_divide() -> None:
    logits = logits_of([[0.5, 0.5]])
    term = cross_entropy(logits, labels_of(0), class_weights_K=torch.tensor([0.01, 1.0]))
    assert term.value().item() == pytest.approx(math.log(2))


def test_balanced_cross_entropy_of_one_image_by_hand() -> None:
    logits = logits_of([[0.5, 0.25, 0.25]] * 4)
    # Three of class 0 weigh 2 - 3/4, one of class 1 weighs 2 - 1/4.
    expected = (3 * 1.25 * math.log(2) + 1.75 * math.log(4)) / (3 * 1.25 + 1.75)
    term = balanced_cross_entropy(logits, labels_of(0, 0, 0, 1))
    assert term.value().item() == pytest.approx(expected)
    assert term.count == 1


def test_lovasz_of_certain_predictions_is_one_minus_iou() -> None:
    logits = logits_of([[1 - 1e-12, 1e-12], [1 - 1e-12, 1e-12], [1e-12, 1 - 1e-12]])
    # Class 0: 1 of 2; class 1: 1 of 2.
    assert lovasz_softmax(logits, labels_of(0, 1, 1)).value().item() == pytest.approx(0.5)
    three = F.pad(logits, (0, 0, 0, 0, 0, 1), value=-50.0)
    absent = lovasz_softmax(three, labels_of(0, 1, 1), classes="all").value().item()
    assert absent == pytest.approx(1 / 3)
    assert lovasz_softmax(three, labels_of(0, 1, 1)).value().item() == pytest.approx(0.5)


def test_lovasz_of_two_pixels_by_hand() -> None:
    # Errors .4 (true) and .3: ranked, J is 1 - 0/1 after the first, 1 - 0/2 after the second.
    logits = logits_of([[0.4, 0.6], [0.3, 0.7]])
    class_1 = lovasz_softmax(logits, labels_of(1, 0), classes=[1])
    # Errors .7 (false) then .4 (true): 1 - 1/2, then 1 - 0/2.
    assert class_1.value().item() == pytest.approx(0.7 * 0.5 + 0.4 * 0.5)
    hinge = lovasz_hinge(torch.tensor([[[0.5, -2.0]]]), labels_of(1, 0))
    assert hinge.value().item() == pytest.approx(0.5)  # the second is right by more than one


def test_lovasz_takes_names_and_lists_only() -> None:
    logits, labels = random_scene()
    wanted: Any = "".join(["pre", "sent"])  # equal, though not the same object
    torch.testing.assert_close(
        lovasz_softmax(logits, labels, classes=wanted), lovasz_softmax(logits, labels)
    )
    with pytest.raises(ValueError, match="classes must be 'present', 'all' or a list, got 'some'"):
        lovasz_softmax(logits, labels, classes=cast(Any, "some"))
    with pytest.raises(ValueError, match=r"classes must be from 0..2, got \[3\]"):
        lovasz_softmax(logits, labels, classes=[3])


def test_an_image_of_void_does_not_count_for_lovasz() -> None:
    logits, labels = random_scene()
    one = lovasz_softmax(logits[:1], labels[:1])
    labels[1] = VOID
    both = lovasz_softmax(logits, labels)
    assert both.count == 1
    torch.testing.assert_close(both.total, one.total)


def test_generalised_dice_of_an_image_with_an_absent_class() -> None:
    logits = logits_of([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    # |G| = 1 each: intersections .6 and .7, sums 1 + .8 and 1 + 1.
    expected = 1 - 2 * (0.6 + 0.7) / (1.8 + 2.0)
    leaf = logits.clone().requires_grad_()
    term = generalised_dice(leaf, labels_of(0, 1))
    assert term.value().item() == pytest.approx(expected)
    term.total.backward()
    assert leaf.grad is not None
    assert leaf.grad.abs().max() > 0.01


def test_boundary_loss_by_hand() -> None:
    logits = logits_of([[0.6, 0.4], [0.2, 0.8], [0.5, 0.5]])
    # phi of class 0: -.5 .5 1.5; of class 1: .5 -.5 -1.5
    expected = 0.6 * -0.5 + 0.2 * 0.5 + 0.5 * 1.5 + 0.4 * 0.5 + 0.8 * -0.5 + 0.5 * -1.5
    term = boundary_loss(logits, labels_of(0, 1, 1))
    assert term.total.item() == pytest.approx(expected)
    assert term.count == 6
    foreground = boundary_loss(logits, labels_of(0, 1, 1), classes="foreground")
    assert foreground.total.item() == pytest.approx(0.4 * 0.5 + 0.8 * -0.5 + 0.5 * -1.5)
    assert foreground.count == 3


def test_boundary_loss_takes_maps_made_before() -> None:
    logits, labels = random_scene()
    phi = torch.full_like(logits, 2.0).float()
    term = boundary_loss(logits, labels, phi_BKHW=phi)
    assert term.total.item() == pytest.approx(2.0 * (labels != VOID).sum().item())
    with pytest.raises(ValueError, match="phi_BKHW must be floating point of shape"):
        boundary_loss(logits, labels, phi_BKHW=phi[:, :2])


def test_inverse_form_keeps_tiles_with_a_boundary_and_sums_or_averages() -> None:
    boundary = torch.zeros(1, 4, 8, dtype=torch.bool)
    boundary[0, 0, 0] = True
    logits, valid = torch.zeros(1, 4, 8), torch.ones_like(boundary)

    def three_four(predicted: Tensor, true: Tensor) -> Tensor:
        return torch.tensor([[3.0, 4.0]]).expand(len(predicted), 2)

    for reduction in ("sum", "mean"):
        term = inverse_form(
            logits, boundary, valid, network=three_four, tile=4, tile_reduction=reduction
        )
        assert term.total.item() == pytest.approx(5.0)  # of two tiles, one has a boundary
        assert term.count == 1
    released = inverse_form(
        logits,
        boundary,
        valid,
        network=three_four,
        tile=4,
        tile_reduction="mean",
        variant="released",
    )
    assert released.total.item() == pytest.approx(10.0)
    assert released.count == 2
    with pytest.raises(ValueError, match="resize must be None for variant 'paper'"):
        inverse_form(logits, boundary, valid, network=three_four, tile=4, resize=(8, 8))
