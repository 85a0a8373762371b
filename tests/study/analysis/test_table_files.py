"""A table as CSV and LaTeX, and equal bytes of equal ledgers."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import Cell
from study.ledger.study_folder import StudyFolder
from study.reporting import table_files
from tests.study import fake, fake_grid, reports
from tests.study.analysis.test_tables import broken


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = StudyFolder(broken(tmp_path).path.parent)
    written = [
        {path.name: path.read_bytes() for path in reports.write(folder.load(), folder)}
        for _ in range(2)
    ]
    assert written[0] == written[1]
    assert set(written[0]) == {
        "report.md",
        "report.html",
        "table.md",
        "table.csv",
        "table.tex",
        "differences.png",
        "learning_curves.png",
    }


def test_the_csv_has_fractions_and_one_column_per_seed(tmp_path: Path) -> None:
    results = fake_grid.results(broken(tmp_path))
    rows = list(csv.DictReader(io.StringIO(table_files.comma_separated(results))))
    good = next(row for row in rows if row["cell"] == "good")
    assert float(good["delta"]) == pytest.approx(0.03125)
    assert (good["seed_1"], good["n"], good["diverged"]) == ("", "6", "1")
    assert float(good["seed_2"]) == pytest.approx(0.25 + 2 / 32 + 1 / 32 + 1 / 16 + 1 / 8)
    assert good["published"] == "Net, Data val: 0.666"


def test_latex_escapes_what_a_name_may_hold(tmp_path: Path) -> None:
    cells = (*fake_grid.GRID.cells[:1], Cell(name="50 % & x_1", changes={"loss/ar": 1.0}))
    plan = fake_grid.plan(tmp_path, replace(fake_grid.GRID, cells=cells))
    text = table_files.latex(fake_grid.results(fake.begin(plan)))
    assert r"50 \% \& x\_1 &" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    # ten columns: a study that is not measured yet has none of published figures
    assert {line.replace(r"\&", "").count("&") for line in rows} == {9}
