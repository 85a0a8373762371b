"""The generalised Dice loss lies in [0, 1] and is its definition, however good the prediction."""

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.losses.generalised_dice import generalised_dice


def scene(seed: int, certainty: float, void: float) -> tuple[Tensor, Tensor]:
    """Float32 logits that are right by ``certainty`` under noise, and labels of 4 classes."""
    generator = torch.Generator().manual_seed(seed)
    labels_BHW = torch.randint(0, 1 + seed % 4, (2, 23, 37), generator=generator)
    hot_BKHW = F.one_hot(labels_BHW, 4).permute(0, 3, 1, 2)
    labels_BHW[torch.rand(labels_BHW.shape, generator=generator) < void] = VOID
    noise_BKHW = torch.randn(hot_BKHW.shape, generator=generator)
    return (certainty * hot_BKHW + noise_BKHW).requires_grad_(), labels_BHW


def by_definition(logits_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """1 - 2 sum w |P G| / sum w (|P| + |G|) in float64, summed over images with a class."""
    total = logits_BKHW.new_zeros((), dtype=torch.float64)
    for logits_KHW, labels_HW in zip(logits_BKHW.double(), labels_BHW, strict=True):
        valid_HW = labels_HW != VOID
        prob_KP, labels_P = logits_KHW.softmax(0)[:, valid_HW], labels_HW[valid_HW]
        true_KP = F.one_hot(labels_P, len(prob_KP)).T.double()
        present_K = true_KP.any(dim=1)
        if not present_K.any():
            continue
        prob_KP, true_KP = prob_KP[present_K], true_KP[present_K]
        weight_K = true_KP.sum(1) ** -2
        overlap = (weight_K * (prob_KP * true_KP).sum(1)).sum()
        size = (weight_K * (prob_KP + true_KP).sum(1)).sum()
        total = total + 1 - 2 * overlap / size
    return total


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    certainty=st.one_of(st.floats(-30, 30), st.sampled_from([1e4, -1e4, 17.0, 20.0])),
    void=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_it_is_its_definition_and_never_below_zero(
    seed: int, certainty: float, void: float
) -> None:
    logits_BKHW, labels_BHW = scene(seed, certainty, void)
    term = generalised_dice(logits_BKHW, labels_BHW)
    assert 0 <= term.total.item() <= term.count.item()
    (gradient,) = torch.autograd.grad(term.total, logits_BKHW)
    expected = by_definition(logits_BKHW, labels_BHW)
    torch.testing.assert_close(term.total.double(), expected, rtol=1e-6, atol=1e-6)
    if expected.requires_grad:
        (derivative,) = torch.autograd.grad(expected, logits_BKHW)
        torch.testing.assert_close(gradient, derivative, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("classes", ["all", "foreground"])
def test_a_perfect_prediction_of_a_large_image_is_zero(
    classes: Literal["all", "foreground"],
) -> None:
    """The weight 1 / |G|^2 of a million pixels is small, but nothing is added to it."""
    labels_BHW = torch.ones(1, 1000, 1000, dtype=torch.int64)
    labels_BHW[:, :400] = 0
    logits_BKHW = 1e4 * F.one_hot(labels_BHW, 2).permute(0, 3, 1, 2).float()
    term = generalised_dice(logits_BKHW.requires_grad_(), labels_BHW, classes=classes)
    (gradient,) = torch.autograd.grad(term.total, logits_BKHW)
    assert (term.total.item(), term.count.item(), gradient.any().item()) == (0.0, 1, False)


def test_a_large_image_loses_no_digits() -> None:
    """One by one, float32 adds 0.97 to a million as 1."""
    labels_BHW = torch.zeros(1, 1024, 1536, dtype=torch.int64)
    logits_BKHW = torch.tensor([3.5, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1024, 1536)
    total = generalised_dice(logits_BKHW, labels_BHW).total
    p = torch.tensor([3.5, 0.0], dtype=torch.float64).softmax(0)[0]
    torch.testing.assert_close(total.double(), (1 - p) / (1 + p), rtol=1e-6, atol=0)
