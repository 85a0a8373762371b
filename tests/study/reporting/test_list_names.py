"""Tables, reports and the terminal call a list that is cut, or stands for another, what it is."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from study.analysis.protocol import protocol
from study.analysis.results import AblationResults, SearchResults
from study.ledger.events import Tested
from study.ledger.study_folder import StudyFolder
from study.reporting import table_files
from study.reporting.terminal import search
from study.tracking.runs import study_run
from tests.study import fake, fake_grid, reports

CUT = "test list (its first 3 images)"


@pytest.fixture(autouse=True)
def _cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ledger of this file is of a study whose test list is cut."""
    monkeypatch.setattr(fake, "DATA", replace(fake.DATA, lists={"test": CUT}))


def test_the_tables_of_an_ablation(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    fake_grid.ended_study(plan)
    record = StudyFolder.of(plan).load()  # as the ledger has it
    results = AblationResults(record)
    assert f"on the {CUT} of `shapes`" in protocol(record, results.tables[0])
    for name, text in table_files.files(results).items():
        assert CUT in text, name
    assert f",{CUT}," in table_files.comma_separated(results)


def test_the_winner_of_a_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    best = SearchResults(ledger.record).best
    assert best is not None
    ledger.append(Tested(trial=best.number, metrics={"test_miou": 0.25}))
    search.print_result(Console(width=140), SearchResults(ledger.record), {})
    assert f"winner on the {CUT} (trial" in capsys.readouterr().out
    text = reports.markdown(ledger.record, tmp_path / "fake")
    assert f"The winner on the {CUT}" in text
    assert f"{CUT} %" in text
    assert study_run(ledger.record).tags["test_list"] == CUT
