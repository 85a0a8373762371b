"""Cross-entropy, Lovasz and Dice, worked out by hand."""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F

from tests.trainables.losses.scenes import labels_of, logits_of, random_scene
from trainables.geometry.boundaries import VOID
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_hinge, lovasz_softmax
from trainables.losses.term import LossTerm


def test_cross_entropy_is_torch_s_and_smooths_as_its_docstring_says() -> None:
    logits, labels = random_scene()
    expected = F.cross_entropy(logits, labels, ignore_index=VOID).item()
    assert cross_entropy(logits, labels).value().item() == pytest.approx(expected)
    smoothed = cross_entropy(logits, labels, label_smoothing=0.2)
    log_prob = logits.log_softmax(1)
    others = log_prob.sum(1) - log_prob.gather(1, labels.clamp(max=2).unsqueeze(1)).squeeze(1)
    own = log_prob.sum(1) - others
    total = -((labels != VOID) * (0.8 * own + 0.1 * others)).sum().item()
    assert smoothed.total.item() == pytest.approx(total)


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


@pytest.mark.parametrize("classes", [[3], [-1], [1, 1], [], [True, False], [1.0]])
def test_lovasz_refuses_lists_that_are_not_different_classes(classes: list[int]) -> None:
    """A class given twice halved the weight of the others."""
    logits, labels = random_scene()
    words = f"classes must be different integers from 0..2, got {classes}"
    with pytest.raises(ValueError, match=re.escape(words)):
        lovasz_softmax(logits, labels, classes=classes)


@pytest.mark.parametrize("loss", [generalised_dice, boundary_loss])
def test_region_losses_refuse_lists_of_classes(loss: Callable[..., LossTerm]) -> None:
    """They would be taken for all classes."""
    with pytest.raises(ValueError, match=r"classes must be 'all' or 'foreground', got \[1, 2\]"):
        loss(*random_scene(), classes=[1, 2])


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
