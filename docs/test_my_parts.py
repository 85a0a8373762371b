"""Tests of the plug-in's loss: `python -m pytest docs/test_my_parts.py`."""

from math import log

import pytest
import torch
from my_parts import focal  # pytest finds what lies beside the test

from trainables.losses.terms import Prediction, Target


def batch(num_classes: int = 4) -> tuple[Prediction, Target]:
    """Two images of 3 x 5 with equal logits everywhere and one void pixel."""
    logits_BKHW = torch.zeros(2, num_classes, 3, 5, requires_grad=True)
    labels_BHW = torch.randint(num_classes, (2, 3, 5))
    labels_BHW[0, 0, 0] = 255
    return Prediction(logits_BKHW, None), Target(labels_BHW, num_classes)


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_equal_logits_have_a_known_loss(power: float) -> None:
    """Every p is 1/4, so 29 pixels have (3/4) ** power times log 4."""
    term = focal(*batch(), power=power)
    assert term.count == 29
    torch.testing.assert_close(term.total.item(), 29 * 0.75**power * log(4), rtol=1e-5, atol=0)


@pytest.mark.parametrize("power", [0.0, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("certainty", [-1e4, -20.0, 0.0, 20.0, 1e4])
def test_the_gradient_is_finite_however_certain_the_prediction(
    power: float, certainty: float
) -> None:
    _, target = batch()
    own_BKHW = torch.eye(4)[target.labels_BHW.clamp(max=3)].permute(0, 3, 1, 2)
    logits_BKHW = (certainty * own_BKHW).requires_grad_()
    term = focal(Prediction(logits_BKHW, None), target, power=power)
    (gradient_BKHW,) = torch.autograd.grad(term.total, logits_BKHW)
    assert term.total.isfinite()
    assert gradient_BKHW.isfinite().all()


def test_void_pixels_have_no_gradient() -> None:
    prediction, target = batch()
    focal(prediction, target).total.backward()
    gradient_BKHW = prediction.logits_BKHW.grad
    assert gradient_BKHW is not None
    assert not gradient_BKHW[0, :, 0, 0].any()
    assert gradient_BKHW[1].any()


def test_a_batch_without_labels_is_zero() -> None:
    prediction, target = batch()
    term = focal(prediction, Target(torch.full_like(target.labels_BHW, 255), 4))
    assert (term.total.item(), term.count) == (0.0, 0)
