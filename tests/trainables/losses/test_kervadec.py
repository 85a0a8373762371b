"""The boundary loss of Kervadec et al., worked out by hand."""

import pytest
import torch

from tests.trainables.losses.scenes import labels_of, logits_of, random_scene
from trainables.geometry.boundaries import VOID
from trainables.losses.kervadec import boundary_loss


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
