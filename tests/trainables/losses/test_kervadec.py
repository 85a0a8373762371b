"""The boundary loss of Kervadec et al., worked out by hand."""

import pytest

from tests.trainables.losses.scenes import labels_of, logits_of
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
