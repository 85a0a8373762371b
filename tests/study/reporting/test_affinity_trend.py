"""The report regresses Affinity Regression's loss on iterations, where a trial has it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress

from study.ledger.trial_record import EpochRecord
from study.reporting.document import Prose, Section, Sheet
from study.reporting.sections import affinity_trend
from tests.study import fake_grid
from trainables.training.iterations import Iterations


def test_an_older_ledger_has_its_line_by_epochs(tmp_path: Path) -> None:
    record = fake_grid.ended_study(fake_grid.plan(tmp_path)).record
    assert affinity_trend.section(record) == []
    trial = next(iter(record.trials.values()))
    curve = [0.0187, 0.0179, 0.0171, 0.0168, 0.0166, 0.0161]
    for epoch, value in enumerate([0.0, *curve], start=1):  # at first the term had not begun
        metrics = {"train/affinity_regression": value}
        trial.epochs[epoch] = EpochRecord(metrics=metrics, seconds=1.0, lane="a", time=0.0)
    (section,) = affinity_trend.section(record)
    assert isinstance(section, Section)
    text, sheet = section.blocks
    assert isinstance(text, Prose)
    assert "With fewer than 30 points" in text.text
    assert "mean of an epoch" in text.text
    assert isinstance(sheet, Sheet)
    (row,) = sheet.rows
    cells = dict(zip(sheet.head, row, strict=True))
    steps = -(-record.data.images["train"] // int(trial.config["batch"]))
    expected = linregress([steps * epoch for epoch in range(2, 8)], curve)
    assert float(cells["slope"]) == pytest.approx(expected.slope, rel=1e-3)
    assert float(cells["intercept"]) == pytest.approx(expected.intercept, rel=1e-3)
    assert float(cells["p"]) == pytest.approx(expected.pvalue, rel=0.1)
    assert float(cells["p of effective n"]) >= float(cells["p"])
    assert (cells["trial"], cells["n"]) == (str(trial.number), "6")


def test_a_curve_has_its_line_by_iteration(tmp_path: Path) -> None:
    record = fake_grid.ended_study(fake_grid.plan(tmp_path)).record
    trial = next(iter(record.trials.values()))
    trial.epochs.clear()
    generator = np.random.default_rng(0)
    at = list(range(5, 205, 5))
    losses = [float(0.02 - 1e-5 * place + 1e-4 * generator.standard_normal()) for place in at]
    for epoch, places in enumerate((at[:8], at[8:24], at[24:]), start=1):
        values = [None if place < 20 else losses[at.index(place)] for place in places]
        points = Iterations(at=places, terms={"loss": values, "affinity_regression": values})
        trial.epochs[epoch] = EpochRecord(
            metrics={"train/affinity_regression": 9.0},
            seconds=1.0,
            lane="a",
            time=0.0,
            iterations=points,
        )
    (section,) = affinity_trend.section(record)
    assert isinstance(section, Section)
    text, sheet = section.blocks
    assert isinstance(text, Prose)
    assert "loss of one batch" in text.text
    assert "effective n" in text.text
    assert isinstance(sheet, Sheet)
    (row,) = sheet.rows
    cells = dict(zip(sheet.head, row, strict=True))
    expected = linregress(at[3:], losses[3:])
    assert cells["n"] == str(len(at) - 3)
    for name, value in {
        "intercept": expected.intercept,
        "error": expected.intercept_stderr,
        "slope": expected.slope,
        "error of it": expected.stderr,
        "t": expected.slope / expected.stderr,
    }.items():
        assert float(cells[name]) == pytest.approx(value, rel=1e-3), name
