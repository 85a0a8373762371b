"""A search as maps of its parameters: parallel coordinates of all, contours over two."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search_spaces import Dimension, Space
from study.analysis.results import SearchResults
from study.ledger.trial_record import TrialRecord
from study.reporting.values import axis_label, display_value, formatted
from trainables.config import Value

FEWEST = 10
"""Complete trials from which on a map is drawn."""
_HUES = "viridis"
_BEST = "#d55e00"
_BEHIND_TEXT = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}


def parallel_coordinates(results: SearchResults, space: Space) -> Figure | None:
    """One line per complete trial through its parameters to the objective; the best is thick.

    A parameter that a trial does not have interrupts its line. None with fewer than ``FEWEST``
    trials.
    """
    trials, values_N = _measured(results)
    dimensions = [d for d in space.dimensions if any(d.path in trial.params for trial in trials)]
    if len(trials) < FEWEST or not dimensions:
        return None
    objective = results.record.plan.objective
    columns = [_column(dimension, trials) for dimension in dimensions]
    ends = {float(value): f"{value:.2f}" for value in (values_N.min(), values_N.max())}
    columns.append(_scaled(values_N, ends))
    lines_ND = np.stack([column.heights_N for column in columns], axis=1)
    figure = Figure(figsize=(1.5 * len(columns) + 1.6, 3.9), layout="constrained")
    axes = figure.add_subplot()
    across = np.arange(len(columns))
    hues = colormaps[_HUES](Normalize(values_N.min(), values_N.max())(values_N))
    lines = [np.column_stack([across, line_D]) for line_D in lines_ND]
    axes.add_collection(LineCollection(lines, colors=hues, linewidths=1.1, alpha=0.7))
    best = results.best
    if best is not None and best in trials:
        axes.plot(across, lines_ND[trials.index(best)], color=_BEST, linewidth=2.6, marker="o")
    for place, column in enumerate(columns):
        for height, text in column.ticks.items():
            axes.text(place + 0.04, height, text, fontsize=7.5, va="center", bbox=_BEHIND_TEXT)
    axes.set_xticks(across, [*(d.path for d in dimensions), axis_label(objective)], fontsize=8)
    axes.set(yticks=[], xlim=(-0.2, across[-1] + 0.5), ylim=(-0.06, 1.06))
    axes.tick_params(axis="x", rotation=20)
    return figure


class _Column(NamedTuple):
    """One axis of the parallel coordinates, from 0 (lowest) to 1."""

    heights_N: NDArray[np.float64]
    ticks: dict[float, str]
    """Texts by height."""


def _column(dimension: Dimension, trials: Sequence[TrialRecord]) -> _Column:
    return _scaled(_places(dimension, trials), _ticks(dimension, trials))


def _scaled(places_N: NDArray[np.float64], ticks: Mapping[float, str]) -> _Column:
    """An axis from the lowest to the highest place; a single value lies in the middle."""
    low, high = float(np.nanmin(places_N)), float(np.nanmax(places_N))
    if low == high:
        return _Column(np.where(np.isnan(places_N), np.nan, 0.5), dict.fromkeys([0.5], ticks[low]))
    span = high - low
    return _Column((places_N - low) / span, {(at - low) / span: text for at, text in ticks.items()})


def contour(results: SearchResults, space: Space, importance: Mapping[str, float]) -> Figure | None:
    """The objective over two numeric parameters, linear between the complete trials.

    The two are the most important ones, or the first ones where importance is unknown. None with
    fewer than ``FEWEST`` trials that have both, or if these lie on a line.
    """
    trials, values_N = _measured(results)
    pair = _pair(space, importance, trials)
    if pair is None:
        return None
    both = [all(d.path in trial.params for d in pair) for trial in trials]
    trials = [trial for trial, has_both in zip(trials, both, strict=True) if has_both]
    points_N2 = np.stack([_places(dimension, trials) for dimension in pair], axis=1)
    points_M2, heights_M = _merged(points_N2, values_N[np.array(both)])
    if len(trials) < FEWEST or np.linalg.matrix_rank(points_M2 - points_M2[0]) < len(pair):
        return None
    figure = Figure(figsize=(6.2, 4.4), layout="constrained")
    axes = figure.add_subplot()
    filled = axes.tricontourf(*points_M2.T, heights_M, levels=12, cmap=_HUES)
    across_N, up_N = points_N2.T
    axes.scatter(
        across_N,
        up_N,
        s=14,
        color="white",
        edgecolor="#111111",
        linewidth=0.6,
        zorder=3,
        clip_on=False,
    )
    best = results.best
    if best is not None and best in trials:
        at = [trials.index(best)]
        axes.scatter(
            across_N[at], up_N[at], s=120, marker="*", color=_BEST, edgecolor="white", zorder=4
        )
    axes.set(xlabel=pair[0].path, ylabel=pair[1].path)
    for axis, dimension in zip((axes.xaxis, axes.yaxis), pair, strict=True):
        if is_log(dimension):
            axis.set_major_formatter(FuncFormatter(lambda power, _: f"{10**power:.3g}"))
            axis.set_minor_formatter(NullFormatter())
    figure.colorbar(filled, label=axis_label(results.record.plan.objective))
    return figure


def _measured(results: SearchResults) -> tuple[list[TrialRecord], NDArray[np.float64]]:
    """The complete trials that have the objective, and its values as a plot shows them."""
    objective = results.record.plan.objective
    found = [
        (trial, display_value(objective, value))
        for trial in results.record.in_state("complete")
        if (value := trial.value(objective)) is not None
    ]
    return [trial for trial, _ in found], np.array([value for _, value in found])


def _pair(
    space: Space, importance: Mapping[str, float], trials: Sequence[TrialRecord]
) -> tuple[Dimension, Dimension] | None:
    """The two numeric parameters to show, which enough trials have; None if there are not two."""
    numeric = [
        dimension
        for dimension in space.dimensions
        if isinstance(dimension.distribution, FloatDistribution | IntDistribution)
        and sum(dimension.path in trial.params for trial in trials) >= FEWEST
    ]
    numeric.sort(key=lambda dimension: -importance.get(dimension.path, 0.0))
    return (numeric[0], numeric[1]) if len(numeric) > 1 else None


def _merged(
    points_N2: NDArray[np.float64], values_N: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The different points, each with the mean value of the trials there."""
    points_M2, place_N = np.unique(points_N2, axis=0, return_inverse=True)
    place_N = place_N.reshape(-1)
    return points_M2, np.bincount(place_N, values_N) / np.bincount(place_N)


def is_log(dimension: Dimension) -> bool:
    distribution = dimension.distribution
    return isinstance(distribution, FloatDistribution | IntDistribution) and distribution.log


def _places(dimension: Dimension, trials: Sequence[TrialRecord]) -> NDArray[np.float64]:
    """(N): where each trial's value lies on the parameter's axis; NaN if it has none."""
    drawn = [trial.params.get(dimension.path) for trial in trials]
    listed = _choices(dimension, drawn)
    return np.array([np.nan if x is None else _place(dimension, x, listed) for x in drawn])


def _place(dimension: Dimension, value: Value, listed: list[Value]) -> float:
    if listed:
        return float(listed.index(value))
    return float(np.log10(float(value))) if is_log(dimension) else float(value)


def _choices(dimension: Dimension, drawn: Sequence[Value | None]) -> list[Value]:
    """The drawn choices in the space's order; none of a numeric parameter."""
    if not isinstance(dimension.distribution, CategoricalDistribution):
        return []
    known = [choice for choice in dimension.distribution.choices if choice in drawn]
    # A ledger may have choices that the space no longer has.
    return list(dict.fromkeys(value for value in [*known, *drawn] if value is not None))


def _ticks(dimension: Dimension, trials: Sequence[TrialRecord]) -> dict[float, str]:
    """The texts of a parameter's axis by place: all choices, or the smallest and largest value."""
    drawn = [value for trial in trials if (value := trial.params.get(dimension.path)) is not None]
    listed = _choices(dimension, drawn)
    ends = listed or [min(drawn, key=float), max(drawn, key=float)]
    return {_place(dimension, value, listed): formatted(value) for value in ends}
