"""The report regresses Affinity Regression's loss on iterations, where a trial has it."""

from pathlib import Path

import pytest
from scipy.stats import linregress

from study.ledger.trial_record import EpochRecord
from study.reporting.document import Prose, Section, Sheet
from study.reporting.sections import affinity_trend
from tests.study import fake_grid


def test_a_curve_has_its_line_by_iteration(tmp_path: Path) -> None:
    record = fake_grid.ended_study(fake_grid.plan(tmp_path)).record
    assert affinity_trend.section(record) == []
    trial = next(iter(record.trials.values()))
    curve = [0.0187, 0.0179, 0.0171, 0.0168, 0.0166, 0.0161]
    for epoch, value in enumerate(curve, start=1):
        metrics = {"train/affinity_regression": value}
        trial.epochs[epoch] = EpochRecord(metrics=metrics, seconds=1.0, lane="a", time=0.0)
    (section,) = affinity_trend.section(record)
    assert isinstance(section, Section)
    text, sheet = section.blocks
    assert isinstance(text, Prose)
    assert "With fewer than 30 points" in text.text
    assert isinstance(sheet, Sheet)
    (row,) = sheet.rows
    cells = dict(zip(sheet.head, row, strict=True))
    steps = -(-record.data.images["train"] // int(trial.config["batch"]))
    expected = linregress([steps * epoch for epoch in range(1, 7)], curve)
    assert float(cells["slope"]) == pytest.approx(expected.slope, rel=1e-3)
    assert float(cells["intercept"]) == pytest.approx(expected.intercept, rel=1e-3)
    assert float(cells["p"]) == pytest.approx(expected.pvalue, rel=0.1)
    assert float(cells["p of it"]) >= float(cells["p"])
    assert (cells["trial"], cells["n"]) == (str(trial.number), "6")
