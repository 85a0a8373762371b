"""Figures of a report that a comparison draws."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from study.analysis.results import SearchResults
from study.ledger.events import EpochEnded
from study.ledger.study_folder import StudyFolder
from study.reporting.figures import comparisons
from study.reporting.figures.style import Group, best_trials
from tests.study import fake, fake_grid, reports


def test_differences_are_drawn_in_points_with_the_verdict_s_colour(tmp_path: Path) -> None:
    started = fake.begin(fake_grid.plan(tmp_path / "started"))
    assert comparisons.differences(fake_grid.results(started).tables, "") is None
    ended = fake_grid.ended_study(fake_grid.plan(tmp_path))
    figure = comparisons.differences(fake_grid.results(ended).tables, "")
    assert figure is not None
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["good"]
    seeds, mean = axes.collections
    assert np.asarray(seeds.get_offsets()).tolist() == [[3.125, 0.0]] * 6  # 1/32, on every seed
    assert np.asarray(mean.get_offsets()).tolist() == [[3.125, 0.0]]
    assert to_hex(mean.get_facecolor()[0]) == "#009e73"  # better


def test_plots_about_edges_are_there_where_edges_were_measured(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)

    def trade_off() -> Figure | None:
        complete = Group("trial", "black", ledger.record.in_state("complete"))
        return comparisons.trade_off(SearchResults(ledger.record), [complete], means=False)

    def trimap() -> Figure | None:
        results = SearchResults(ledger.record)
        return comparisons.trimap(results, best_trials(results))

    assert trade_off() is None
    assert trimap() is None
    metrics = {"miou": 0.5, "boundary_f_3px": 0.25}
    metrics |= {
        f"trimap_miou_{side}_{width}px": 0.1 + width / 100
        for side in ("inside", "outside")
        for width in range(1, 11)
    }
    ledger.append(EpochEnded(trial=0, epoch=fake.EPOCHS, metrics=metrics, seconds=1.0, lane="l"))
    figure = trimap()
    assert figure is not None
    line = figure.axes[0].get_lines()[0]
    assert np.asarray(line.get_xdata()).tolist() == list(range(1, 11))
    assert np.asarray(line.get_ydata()).tolist() == pytest.approx(
        [10.0 + width for width in range(1, 11)]
    )
    assert trade_off() is not None
    files = {path.name for path in reports.write(ledger.record, StudyFolder.of(plan))}
    assert files == {
        "report.md",
        "report.html",
        "learning_curves.png",
        "slices.png",
        "trade_off.png",
        "training.png",
        "trimap.png",
    }
