"""What the terminal shows while a study runs."""

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from study.ledger.events import Finished, Reused
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.planning.runs import grid_runs
from study.reporting.terminal import progress
from tests.study import fake, fake_grid, fake_tasks


def reuse(ledger: Ledger, of: Plan, number: int) -> None:
    trial = fake.start(ledger, of, number, Reused(study="earlier", trial=number))
    for done in range(1, fake.EPOCHS + 1):
        fake.epoch(ledger, trial, done)
    ledger.append(Finished(trial=number, state="complete"))


def test_reused_trials_took_no_time_and_say_nothing_about_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight trials: four reused, one run in 40 s after a start of 20 s, so that three are left, two
    minutes."""
    plan, clock, output = fake.plan(tmp_path), [0.0], StringIO()
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    ledger = fake.begin(plan)
    console = Console(file=output, width=140)
    ledger.listeners.append(progress.LiveProgress(console, ledger.record.copy(), tmp_path))
    for number in range(4):
        reuse(ledger, plan, number)
    assert "4/8 trials" in output.getvalue()
    assert "will end" not in output.getvalue()
    trial = fake.start(ledger, plan, 4)
    for done in range(1, fake.EPOCHS + 1):
        clock[0] = 20.0 + 10.0 * done
        fake.epoch(ledger, trial, done)
    ledger.append(Finished(trial=4, state="complete"))
    last = output.getvalue().splitlines()[-1]
    assert last.startswith("trial 4 complete; 5/8 trials, will end at ")
    assert last.endswith("(in 2 min)")


def test_a_running_comparison_leans_provisionally(tmp_path: Path) -> None:
    """Five pairs, the cell ahead by 1/32 on each: the e-value of equal differences is 36."""
    study, output = fake_grid.plan(tmp_path), StringIO()
    ledger = fake.begin(study)
    live = progress.LiveProgress(Console(file=output, width=140), ledger.record, tmp_path)
    console = Console(file=output, width=140)
    for run in grid_runs(study)[:10]:
        assert "provisional" not in output.getvalue()
        fake_grid.complete(ledger, run)
        console.print(live.render())
    assert "provisional, no verdict yet: good better" in output.getvalue()


def test_an_epoch_shows_what_its_trial_measures(tmp_path: Path) -> None:
    """The objective is mIoU, which the networks of edges, depth and normals alone do not have."""
    study, output = fake_tasks.plan(tmp_path, seeds=(0,)), StringIO()
    ledger, console = fake.begin(study), Console(file=output, width=160)
    live = progress.LiveProgress(console, ledger.record.copy(), tmp_path)
    ledger.listeners.append(live)
    for run in grid_runs(study):
        fake_grid.start(ledger, run)
        metrics = fake_tasks.figures(run.cell, str(run.params["task/tasks"]), run.seed)
        fake_tasks.append_epoch(ledger, run, 1, metrics)
    console.print(live.render())
    lines = output.getvalue()
    for number, own in enumerate(("miou 50.00 %", "ods_f 40.00 %", "depth_rmse 2.00 m")):
        assert f"trial {number} epoch 1/4: {own}\n" in lines
    assert "normals_mean_angle 32.00 degree" in lines
    assert re.search(r"running +1/4 +ods_f 40.00 % +E, seed 0 ", lines)  # in the table
    assert " - %" not in lines
