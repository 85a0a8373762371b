"""The figure of Affinity Regression's loss by iteration, with its regression line."""

from pathlib import Path

import numpy as np
import pytest

from study.reporting.figures.regression import affinity_loss, means
from study.reporting.figures.style import Group
from tests.study import fake
from trainables.training.iterations import Iterations

TERM = "affinity_regression"


def test_the_figure_has_a_line_for_each_group_that_was_trained_with_it(tmp_path: Path) -> None:
    ledger = fake.ended_study(fake.plan(tmp_path))
    with_loss, without = ledger.record.trials[0], ledger.record.trials[1]
    for number, epoch in with_loss.epochs.items():
        with_loss.epochs[number] = epoch.__class__(
            **{
                **vars(epoch),
                "iterations": Iterations(at=[2 * number], terms={TERM: [0.5 - number / 16]}),
            }
        )
    assert means([with_loss], images=9) == {2: 0.4375, 4: 0.375, 6: 0.3125, 8: 0.25}
    assert affinity_loss([Group("without", "#000000", [without])], images=9) is None
    groups = [Group(name, "#000000", [trial]) for name, trial in (("a", with_loss), ("b", without))]
    figure = affinity_loss(groups, images=9)
    assert figure is not None
    drawn = figure.axes[0].lines[-1]
    assert np.asarray(drawn.get_ydata()).tolist() == pytest.approx([0.4375, 0.25])
