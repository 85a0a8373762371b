"""Intervals over images beside a table."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from search_spaces import Cell
from study.analysis import image_bootstrap
from study.ledger.events import ImagesResampled, Reused
from study.ledger.ledger import Ledger
from study.ledger.study_folder import StudyFolder
from tests.study import fake_grid
from tests.study.analysis.test_tables import markdown
from trainables.metrics import counts_file, per_image


def test_the_interval_over_images_is_shown_below_its_metric(tmp_path: Path) -> None:
    ledger = fake_grid.ended_study(fake_grid.plan(tmp_path))
    assert "Over images" not in markdown(ledger.record)
    ledger.append(ImagesResampled(metrics={"miou": {"good": [0.01, 0.0525]}}))
    text = markdown(Ledger(ledger.path).record)
    assert "interval of the delta): good +1.00 .. +5.25." in text


def test_the_intervals_over_images_come_in_the_order_of_the_table(tmp_path: Path) -> None:
    """However the runs ended; a cell without counts is left out."""
    cells = (*fake_grid.GRID.cells, Cell(name="bad", changes={"loss/ar": 0.2}))
    ledger = fake_grid.ended_study(fake_grid.plan(tmp_path, replace(fake_grid.GRID, cells=cells)))
    ledger.append(
        ImagesResampled(metrics={"miou": {"bad": [-0.07, -0.05], "good": [0.01, 0.0525]}})
    )
    text = markdown(ledger.record)
    assert "interval of the delta): good +1.00 .. +5.25; bad -7.00 .. -5.00." in text


def test_counts_of_two_studies_are_resampled_together(tmp_path: Path) -> None:
    """A reused trial left its counts where it ran."""
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    labels_NHW = torch.zeros((3, 8, 8), dtype=torch.int64)
    labels_NHW[:, :4] = 1
    first, other = (
        per_image.count(predicted_NHW, labels_NHW, 2)
        for predicted_NHW in (torch.zeros_like(labels_NHW), labels_NHW)
    )
    for trial in record.trials.values():
        if trial.cell == "good" and trial.seed < 3:
            trial.reused = Reused(study="older", trial=trial.number)
        home = StudyFolder(tmp_path / "older") if trial.reused else folder
        packed = counts_file.pack(other if trial.cell == "good" else first)
        home.path.mkdir(exist_ok=True)
        home.write_counts(trial.number, packed)
    found = image_bootstrap.over_images(folder, record)
    # every image alike: IoU 1 and 1 against 1/2 and 0, whatever is drawn
    assert found["miou"] == {"good": [pytest.approx(1 - 1 / 4)] * 2}
    assert found["boundary_f_1px"] == {"good": [pytest.approx(1.0)] * 2}
