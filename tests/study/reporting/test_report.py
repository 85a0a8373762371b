"""The report and its figures come from the ledger alone, and are the same each time."""

from pathlib import Path

import pytest

from study.analysis.results import SearchResults
from study.commands import report
from study.ledger.events import EpochEnded, Finished, Started
from study.ledger.study_folder import StudyFolder
from study.reporting.sections.ranked import tie
from study.search.importance import importances
from tests.study import fake, reports


def test_the_report_has_the_ranking_the_states_and_the_failures(tmp_path: Path) -> None:
    record = fake.ended_study(fake.plan(tmp_path)).record
    best = SearchResults(record).best
    assert best is not None
    text = reports.markdown(record, tmp_path)
    first = next(line for line in text.splitlines() if line.startswith("| 1 |"))
    assert f"| {best.number} |" in first
    assert f"{100 * (best.value('miou') or 0):.2f}" in first
    assert "6 complete, 1 pruned, 1 failed" in text
    assert "- trial 7: diverged: the loss was not finite" in text
    assert fake.SPACE.question in text


def test_a_winner_that_others_equal_is_called_tied(tmp_path: Path) -> None:
    ledger = fake.begin(fake.plan(tmp_path))
    values = (0.25, 0.5, 0.5)
    for number, value in enumerate(values):
        ledger.append(Started(trial=number, id=str(number), params={}, config={"epochs": 1}))
        ledger.append(
            EpochEnded(trial=number, epoch=1, metrics={"miou": value}, seconds=1.0, lane="")
        )
        ledger.append(Finished(trial=number, state="complete"))
        note = tie(SearchResults(ledger.record))
        assert note == (
            ""
            if number < 2
            else " 2 trials have exactly this miou: the ranking says nothing about them."
        )


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    fake.ended_study(plan)
    folder = StudyFolder.of(plan)
    written = [[path.read_bytes() for path in reports.write(folder.load(), folder)] for _ in "ab"]
    assert written[0] == written[1]


def test_an_interrupted_study_has_a_report(tmp_path: Path) -> None:
    """One trial has two epochs, the other none yet."""
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    folder = StudyFolder.of(plan)
    assert reports.write(ledger.record, folder)
    first, _ = fake.start(ledger, plan, 0), fake.start(ledger, plan, 1)
    for number in (1, 2):
        fake.epoch(ledger, first, number)
    paths = reports.write(ledger.record, folder)
    assert "2 running" in paths[0].read_text()


def test_importance_finds_the_parameter_that_decides(tmp_path: Path) -> None:
    """The analytic objective is a function of beta and gamma only."""
    plan = fake.plan(tmp_path, trials=40)
    ledger = fake.begin(plan)
    for number in range(40):
        fake.complete(ledger, plan, number)
    shares = importances(SearchResults(ledger.record), fake.SPACE)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["loss/beta"] + shares["loss/gamma"] > 0.8


def test_too_few_trials_have_no_importance(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    assert importances(SearchResults(ledger.record), fake.SPACE) == {}
    assert "| 1 | 0 |" in reports.markdown(ledger.record, tmp_path)


def test_the_command_rebuilds_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = fake.plan(tmp_path)
    fake.ended_study(plan)
    assert report.main(["fake", "--storage", str(tmp_path)]) == 0
    assert (StudyFolder.of(plan).report / "report.md").exists()
    assert report.main(["none", "--storage", str(tmp_path)]) == 2
    assert report.main(["../fake", "--storage", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 2
