"""Expected calibration error and Brier score: closed forms, ranks, void, what is not finite."""

import math

import pytest
import torch

from trainables.geometry.boundaries import VOID
from trainables.metrics import per_image
from trainables.metrics.calibration import brier, calibration_counts, ece
from trainables.metrics.summaries import summarize


def logits_of(*prob: float) -> torch.Tensor:
    """(1,2,1,W): two classes, with these probabilities of class 0."""
    prob_W = torch.tensor(prob)
    return torch.stack([prob_W, 1 - prob_W]).log()[None, :, None]


def test_five_pixels() -> None:
    """0.9 right, 0.9 wrong (bin 14), 0.7 right and 0.7 wrong as class 1 (bin 11), 0.55 void."""
    logits = logits_of(0.9, 0.9, 0.3, 0.3, 0.55)
    counts = calibration_counts(logits, torch.tensor([[[0, 1, 1, 0, VOID]]]))
    assert ece(counts).item() == pytest.approx((abs(1 - 1.8) + abs(1 - 1.4)) / 4)
    errors = 2 * (0.1**2 + 0.9**2 + 0.3**2 + 0.7**2)
    assert brier(counts).item() == pytest.approx(errors / 4, abs=1e-6)


def test_a_list_is_the_sum_of_its_images_and_void_ones_add_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 6, 5, generator=generator) * 3
    labels = torch.randint(0, 4, (3, 6, 5), generator=generator)
    labels[2] = VOID
    counts = calibration_counts(logits, labels)
    assert counts[2].sum() == counts[2, -1] == 1
    together = counts.sum(dim=0, keepdim=True)
    beside = calibration_counts(
        logits[:2].flatten(2).transpose(0, 1).flatten(1)[None, :, None],
        labels[:2].flatten()[None, None],
    )
    assert ece(together).item() == pytest.approx(ece(beside).item(), abs=1e-5)
    assert brier(together).item() == pytest.approx(brier(beside).item(), abs=1e-5)


def test_a_list_of_void_has_no_value() -> None:
    row = calibration_counts(logits_of(0.9), torch.tensor([[[VOID]]]))
    nothing = per_image.empty(1, 2, torch.device("cpu"))._replace(calibration_NC=row)
    assert math.isnan(summarize(nothing)["ece"])
    assert math.isnan(summarize(nothing)["brier"])


def test_what_is_not_finite_is_not_left_out() -> None:
    logits = logits_of(0.9, 0.9)
    logits[..., 1] = math.nan
    counts = calibration_counts(logits, torch.tensor([[[0, 0]]]))
    assert ece(counts).isnan().all()
    assert brier(counts).isnan().all()
    ignored = calibration_counts(logits, torch.tensor([[[0, VOID]]]))
    assert ece(ignored).item() == pytest.approx(0.1, abs=1e-5)


def test_counts_without_probabilities_have_neither_metric() -> None:
    counts = per_image.count(torch.zeros(1, 4, 4).long(), torch.zeros(1, 4, 4).long(), 2)
    assert not {"ece", "brier"} & summarize(counts).keys()
    row = calibration_counts(logits_of(0.9), torch.tensor([[[0]]]))
    found = summarize(counts._replace(calibration_NC=row))
    assert found["ece"] == pytest.approx(0.1, abs=1e-5)
