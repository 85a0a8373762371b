"""Maps of a search: lines through the values that were drawn, contours over two parameters."""

from pathlib import Path

import numpy as np
from matplotlib.collections import LineCollection, PathCollection
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces import Dimension, Space
from study.analysis.results import SearchResults
from study.ledger.events import EpochEnded, Finished, Started
from study.reporting.figures.search_maps import contour, parallel_coordinates
from tests.study import fake
from trainables.config import Value

SPACE = Space(
    name="s",
    question="?",
    dimensions=(
        Dimension(path="loss/a", distribution=FloatDistribution(0.01, 1.0, log=True), why="-"),
        Dimension(path="loss/b", distribution=FloatDistribution(0.0, 1.0), why="-"),
        Dimension(path="loss/c", distribution=FloatDistribution(0.0, 9.0), why="-"),
        Dimension(path="loss/kind", distribution=CategoricalDistribution(("x", "y")), why="-"),
    ),
)


def results(tmp_path: Path, params: list[dict[str, Value]]) -> SearchResults:
    """Complete trials with these parameters; the objective rises by 1/64 from trial to trial."""
    ledger = fake.begin(fake.plan(tmp_path))
    for number, drawn in enumerate(params):
        config: dict[str, Value] = {"epochs": 1, **drawn}
        ledger.append(Started(trial=number, id=str(number), params=drawn, config=config))
        metrics = {"miou": number / 64}
        ledger.append(EpochEnded(trial=number, epoch=1, metrics=metrics, seconds=1.0, lane=""))
        ledger.append(Finished(trial=number, state="complete"))
    return SearchResults(ledger.record)


def drawn(count: int) -> list[dict[str, Value]]:
    return [
        {
            "loss/a": 10.0 ** (-2 + number / 5),
            "loss/b": (number % 3) / 2,
            "loss/kind": "yx"[number % 2],
            **({"loss/c": float(number)} if number else {}),
        }
        for number in range(count)
    ]


def test_there_are_no_maps_of_fewer_than_ten_trials(tmp_path: Path) -> None:
    few = results(tmp_path, drawn(9))
    assert parallel_coordinates(few, SPACE) is None
    assert contour(few, SPACE, {}) is None


def test_a_line_runs_through_a_trial_s_values_on_their_scales(tmp_path: Path) -> None:
    figure = parallel_coordinates(results(tmp_path, drawn(11)), SPACE)
    assert figure is not None
    (axes,) = figure.axes
    (lines,) = (found for found in axes.collections if isinstance(found, LineCollection))
    heights = [np.asarray(line)[:, 1] for line in lines.get_segments()]
    # a: powers of ten from -2 to 0; b: 2/2; c: 5 of 1 .. 10; y is the second kind; miou: 5 of 10
    assert np.allclose(heights[5], [0.5, 1.0, 4 / 9, 0.0, 0.5])
    (best,) = axes.get_lines()
    assert np.allclose(np.asarray(best.get_ydata(), dtype=float), [1.0, 0.5, 1.0, 1.0, 1.0])
    texts = {text.get_text() for text in axes.texts}
    assert {"0.01", "1", "x", "y", "0.00", "15.62"} <= texts


def test_the_contour_is_over_the_most_important_numbers_else_over_the_first(
    tmp_path: Path,
) -> None:
    found = results(tmp_path, drawn(11))

    def labels(importance: dict[str, float]) -> tuple[str, str]:
        figure = contour(found, SPACE, importance)
        assert figure is not None
        return figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()

    assert labels({}) == ("loss/a", "loss/b")
    # the kind matters most, but has no scale
    assert labels({"loss/kind": 0.7, "loss/c": 0.2, "loss/b": 0.1}) == ("loss/c", "loss/b")
    figure = contour(found, SPACE, {"loss/c": 0.9, "loss/b": 0.1})
    assert figure is not None
    dots = next(c for c in figure.axes[0].collections if isinstance(c, PathCollection))
    assert len(np.asarray(dots.get_offsets())) == 10, "a trial without the parameter is left out"


def test_trials_on_a_line_have_no_contour(tmp_path: Path) -> None:
    params: list[dict[str, Value]] = [
        {"loss/b": number / 20, "loss/c": number / 2} for number in range(12)
    ]
    assert contour(results(tmp_path, params), SPACE, {}) is None


def test_equal_points_are_merged(tmp_path: Path) -> None:
    assert contour(results(tmp_path, [*drawn(11), *drawn(11)]), SPACE, {}) is not None
