"""On a real Ray: a budget is spent and renewed, a repetition runs nothing, a replay is equal."""

import subprocess
from pathlib import Path

import pytest

from study.ledger.ledger import read
from study.ledger.study_folder import StudyFolder
from study.reporting.sections import reruns
from tests.study.execution.test_main_job import (
    ROOT,
    command,
    environment,
    run,
    study,
    winner_tested,
)
from tests.study.ledger.test_ledger import content

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

TPE = ("--sampler", "tpe", "--lanes", "1")


def events(storage: Path, name: str, kind: str) -> int:
    return sum(event["event"] == kind for event in read(StudyFolder(storage / name).ledger)[0])


def test_a_budget_is_spent_resumed_repeated_and_replayed(tmp_path: Path) -> None:
    """0.001 hours are less than the stages and the first epoch take."""
    cut = study(tmp_path, "cut", *TPE, "--max-hours", "0.001")
    done = subprocess.run(cut, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 1  # no trial is complete yet, so there is no result
    assert "budget spent: " in done.stdout
    spent = StudyFolder(tmp_path / "cut").load()
    assert spent.state == "budget spent"
    assert [(trial.state, trial.last_epoch) for trial in spent.trials.values()] == [("running", 1)]

    assert "winner on the test list" in run(
        command(tmp_path, "--resume", "cut", "--max-hours", "inf", "--lanes", "1")
    )
    resumed = StudyFolder(tmp_path / "cut").load()
    assert resumed.ended
    assert events(tmp_path, "cut", "epoch") == sum(t.last_epoch for t in resumed.trials.values())

    output = run(study(tmp_path, "again", *TPE))
    assert "a draw that equals one of them is reused" in output
    again = StudyFolder(tmp_path / "again").load()
    assert {trial.reused and trial.reused.study for trial in again.trials.values()} == {"cut"}
    assert content(again) == content(resumed)
    assert winner_tested(again) == winner_tested(resumed)

    assert "figures are equal" in run(command(tmp_path, "--replay", "again/2", "--name", "replay"))
    replayed = StudyFolder(tmp_path / "replay").load()
    assert replayed.trials[0].id == resumed.trials[2].id
    then = replayed.plan.ablation.replayed
    assert then is not None
    assert reruns.replay_verdict(replayed, then).startswith("all ")
