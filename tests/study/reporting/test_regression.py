"""The figure of Affinity Regression's loss by epoch, with its regression line."""

from pathlib import Path

import numpy as np
import pytest

from study.reporting.figures.regression import METRIC, affinity_loss, means
from study.reporting.figures.style import Group
from tests.study import fake


def test_the_figure_has_a_line_for_each_group_that_was_trained_with_it(tmp_path: Path) -> None:
    ledger = fake.ended_study(fake.plan(tmp_path))
    with_loss, without = ledger.record.trials[0], ledger.record.trials[1]
    for number, epoch in with_loss.epochs.items():
        with_loss.epochs[number] = epoch.__class__(
            **{**vars(epoch), "metrics": {**epoch.metrics, METRIC: 0.5 - number / 16}}
        )
    assert means([with_loss]) == {1: 0.4375, 2: 0.375, 3: 0.3125, 4: 0.25}
    assert affinity_loss([Group("without", "#000000", [without])]) is None
    groups = [Group(name, "#000000", [trial]) for name, trial in (("a", with_loss), ("b", without))]
    figure = affinity_loss(groups)
    assert figure is not None
    drawn = figure.axes[0].lines[-1]
    assert np.asarray(drawn.get_ydata()).tolist() == pytest.approx([0.4375, 0.25])
