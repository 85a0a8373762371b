"""Axes that can be read: numbers at a logarithmic axis, and no legend for what is not drawn."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from optuna.distributions import FloatDistribution

from search_spaces import Dimension, Space
from study.analysis.results import SearchResults
from study.ledger.events import EpochEnded
from study.reporting.figures import comparisons, draw
from study.reporting.figures.style import Group, log_ticks
from tests.study import fake
from tests.study.reporting.test_search_maps import results


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0009, 0.11, [0.001, 0.01, 0.1]),
        (0.002, 0.04, [0.003, 0.01, 0.03]),
        (0.9, 2.2, [1, 2]),
        (2.5, 4.4, [3, 4]),
        (1.13, 1.72, [1.2, 1.4, 1.6]),
        (1e-6, 1e4, [1e-6, 1e-3, 1, 1e3]),
    ],
)
def test_a_range_above_0_has_two_to_five_round_ticks(
    low: float, high: float, ticks: list[float]
) -> None:
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_a_search_in_a_narrow_range_has_numbers_at_its_axis(tmp_path: Path) -> None:
    """As in `make study`: rates from 0.0034 to 0.0089 hold no power of ten."""
    distribution = FloatDistribution(0.001, 0.1, log=True)
    rate = Dimension(path="optim/lr", distribution=distribution, why="-")
    space = Space(name="s", question="?", dimensions=(rate,))
    found = results(tmp_path, [{"optim/lr": value} for value in (0.0034, 0.0052, 0.0089)])
    figure = draw.of_search(found, space, {})["slices"]
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    low, high = figure.axes[0].get_xlim()
    texts = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    inside = [text for text in texts if text and low <= float(text) <= high]
    assert len(inside) >= 2


@pytest.mark.parametrize(
    ("second", "labels"), [(0.125, ["trial"]), (0.375, ["Pareto front", "trial"])]
)
def test_a_front_of_one_point_is_neither_drawn_nor_named(
    tmp_path: Path, second: float, labels: list[str]
) -> None:
    """The second trial is worse in area, and in boundaries worse or better."""
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    for number, (miou, boundary) in enumerate([(0.5, 0.25), (0.4, second)]):
        fake.complete(ledger, plan, number)
        metrics = {"miou": miou, "boundary_f_3px": boundary}
        ended = EpochEnded(trial=number, epoch=fake.EPOCHS, metrics=metrics, seconds=1.0, lane="l")
        ledger.append(ended)
    group = Group("trial", "black", ledger.record.in_state("complete"))
    figure = comparisons.trade_off(SearchResults(ledger.record), [group], means=False)
    assert figure is not None
    assert sorted(figure.axes[0].get_legend_handles_labels()[1]) == labels
    assert len(figure.axes[0].get_lines()) == len(labels) - 1
