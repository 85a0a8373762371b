"""Figures by film in reports and their file, worked out by hand."""

import csv
from pathlib import Path

import pytest
import torch

from study.analysis.films import by_trial
from study.analysis.results import AblationResults
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Prose, Section, Sheet
from study.reporting.sections import films
from tests.study import fake_grid
from trainables.metrics import counts_file, per_image

NAMES = [*(f"cat/{n}" for n in range(4)), *(f"dog/{n}" for n in range(3)), "eel/0"]


def keep_films(plan: Plan, record: StudyRecord) -> None:
    """Counts of films of four, three and one frame: in the first one's second frame, a trial of
    number n covers n + 1 rows too many; in the second film nothing is found."""
    labels_NHW = torch.zeros((8, 16, 8), dtype=torch.int64)
    labels_NHW[:, :8] = 1
    numbers = torch.tensor([1, 1, 1, 1, 2, 2, 2, 3]).view(-1, 1)
    for number in record.trials:
        predicted_NHW = labels_NHW.clone()
        predicted_NHW[1, 8 : 9 + number] = 1
        predicted_NHW[4:7] = 0
        counts = per_image.count(predicted_NHW, labels_NHW, 2, film=True)
        packed = counts_file.pack(counts._replace(series_N1=numbers), NAMES)
        StudyFolder.of(plan).write_counts(number, packed)


def test_each_film_stands_beside_the_others_in_report_and_file(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record = fake_grid.ended_study(plan).record
    results, folder = AblationResults(record), StudyFolder.of(plan)
    assert films.of_ablation(results, folder) == []
    assert films.files(results, folder) == {}

    keep_films(plan, record)
    (section,) = films.of_ablation(results, folder)
    assert isinstance(section, Section)
    sheet, said = section.blocks
    assert isinstance(sheet, Sheet)
    assert isinstance(said, Prose)

    cells = results.by_cell()
    assert sheet.head == ["film", *(f"{x} % {cell}" for cell in cells for x in "JF")]
    j = {
        trial.number: (8 / min(9 + trial.number, 16) + 1) / 2
        for trials in cells.values()
        for trial in trials
    }
    means = {cell: sum(j[t.number] for t in trials) / len(trials) for cell, trials in cells.items()}
    assert [row[0] for row in sheet.rows] == ["cat", "dog"]
    assert sheet.rows[0][1::2] == [f"{100 * mean:.2f}" for mean in means.values()]
    assert sheet.rows[1][1:] == ["0.00"] * 2 * len(cells)

    table = list(csv.DictReader(films.files(results, folder)["films.csv"].splitlines()))
    assert len(table) == 2 * len(j)
    for row in table:
        expected = j[int(row["trial"])] if row["film"] == "cat" else 0
        assert float(row["davis_j"]) == pytest.approx(expected)
        assert row["list"] == results.split
    assert {"davis_jf", "davis_f", "davis_j_recall", "davis_f_decay"} <= set(table[0])


def test_photographs_have_no_such_section(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record = fake_grid.ended_study(plan).record
    labels_NHW = torch.ones((3, 8, 8), dtype=torch.int64)
    packed = counts_file.pack(per_image.count(labels_NHW, labels_NHW, 2), ["p", "q", "r"])
    for number in record.trials:
        StudyFolder.of(plan).write_counts(number, packed)
    results = AblationResults(record)
    assert by_trial(StudyFolder.of(plan), results.finalists, "test") == {}
