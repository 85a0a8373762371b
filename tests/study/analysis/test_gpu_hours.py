"""GPU hours: in the report, the last lines and MLflow; a CPU study has none."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.analysis.gpu_hours import gpu_hours
from study.commands import last_lines
from study.ledger.event_values import Reused
from study.ledger.events import Ended, Finished
from study.ledger.ledger import Ledger
from study.planning.runs import grid_runs
from study.tracking.runs import study_run
from study.tracking.trial_runs import trial_run
from tests.study import fake, fake_grid, reports

HOUR = 3600.0


def studied(tmp_path: Path, gpus: float, busy: float | None = None) -> Ledger:
    """Two cells on six seeds in one lane; each trial holds it for an hour, of which four epochs
    take an eighth each."""
    plan = fake_grid.plan(tmp_path, gpus_per_worker=gpus, workers=1, lanes=1)
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        fake_grid.start(ledger, run)
        fake_grid.epochs(ledger, run)
        ledger.append(Finished(trial=run.number, state="complete"))
    fake_grid.measure_all(ledger)
    ledger.append(Ended())
    for trial in ledger.record.trials.values():
        system = {} if busy is None else {"gpu_0_utilization_percentage": busy, "cpu_percent": 7.0}
        for number, epoch in trial.epochs.items():
            trial.epochs[number] = replace(epoch, seconds=HOUR / 8, system=system)
    ledger.record.usage.lane_seconds = 12 * HOUR
    return ledger


def test_lanes_count_their_share_of_a_gpu(tmp_path: Path) -> None:
    found = gpu_hours(fake_grid.results(studied(tmp_path, 0.25, 60.0)))
    assert found is not None
    assert (found.total, found.verdicts) == (3.0, 1)
    assert {name: (spent.trials, spent.hours) for name, spent in found.cells.items()} == {
        "plain": (6, 0.75),
        "good": (6, 0.75),
    }
    assert found.between == pytest.approx(1.5)
    assert found.cells["good"].utilization == pytest.approx(60.0)


def test_people_find_them_where_they_look(tmp_path: Path) -> None:
    ledger = studied(tmp_path, 0.25, 60.0)
    text = reports.markdown(ledger.record, tmp_path)
    assert "In all 3 GPU h, 3 for each verdict; a lane holds 0.25 GPU." in text
    assert "| good | 6 | 0.75 | 60 |" in text
    assert "| between epochs, or repeated | - | 1.5 | - |" in text
    places = last_lines.places(ledger.record.plan, fake_grid.results(ledger))
    assert places["GPUs"] == "3 GPU h, 3 for each verdict"
    points = {point.name: point.value for point in study_run(ledger.record).late}
    assert points == {"gpu_hours": 3.0, "gpu_hours_per_verdict": 3.0}
    names = {point.name for point in trial_run(ledger.record, ledger.record.trials[0]).points}
    assert "system/gpu_0_utilization_percentage" in names


def test_a_gpu_that_nobody_could_read_is_said_once(tmp_path: Path) -> None:
    text = reports.markdown(studied(tmp_path, 1.0).record, tmp_path)
    assert text.count("No lane could read its GPU's utilisation") == 1
    assert "| good | 6 | 3 | - |" in text


def test_a_study_on_cpus_says_nothing(tmp_path: Path) -> None:
    ledger = studied(tmp_path, 0.0)
    assert "GPU" not in reports.markdown(ledger.record, tmp_path)
    assert "GPUs" not in last_lines.places(ledger.record.plan, fake_grid.results(ledger))
    assert not study_run(ledger.record).late


def test_what_another_study_ran_took_nothing_here(tmp_path: Path) -> None:
    ledger = studied(tmp_path, 1.0)
    ledger.record.trials[0].reused = Reused(study="earlier", trial=4)
    found = gpu_hours(fake_grid.results(ledger))
    assert found is not None
    assert sorted(spent.trials for spent in found.cells.values()) == [5, 6]
