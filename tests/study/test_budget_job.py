"""For real: a budget is spent and renewed, the same command runs nothing, a replay is equal."""

from pathlib import Path

import pytest

from study import report, then_and_now
from study.ledger import FILE, read
from tests.study.test_ledger import content
from tests.study.test_main_job import command, run, study

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

TPE = ("--sampler", "tpe", "--lanes", "1")


def events(storage: Path, name: str, kind: str) -> int:
    return sum(event["event"] == kind for event in read(storage / name / FILE)[0])


def test_spent_resumed_repeated_and_replayed(tmp_path: Path) -> None:
    """Four seconds are less than the stages and the first epoch take."""
    shown = run(study(tmp_path, "cut", *TPE, "--max-hours", "0.001"))
    assert "budget spent: " in shown
    spent = report.load(tmp_path / "cut")
    assert spent.state == "budget spent"
    assert [(trial.state, trial.last_epoch) for trial in spent.trials.values()] == [("running", 1)]

    assert "winner on the test list" in run(
        command(tmp_path, "--resume", "cut", "--max-hours", "inf")
    )
    resumed = report.load(tmp_path / "cut")
    assert resumed.ended
    assert events(tmp_path, "cut", "epoch") == sum(t.last_epoch for t in resumed.trials.values())

    shown = run(study(tmp_path, "again", *TPE))
    assert "a draw equal to one is not run but taken from there" in shown
    again = report.load(tmp_path / "again")
    assert {trial.reused["study"] for trial in again.trials.values()} == {"cut"}
    assert content(again) == content(resumed)
    assert again.tested == resumed.tested

    assert "figures are equal" in run(command(tmp_path, "--replay", "again/2", "--name", "replay"))
    replayed = report.load(tmp_path / "replay")
    assert replayed.trials[0].id == resumed.trials[2].id
    assert then_and_now.verdict(replayed).startswith("all ")
