"""An attempt runs a block of trials, measures them, looks, and runs the next; without Ray."""

from collections.abc import Callable
from pathlib import Path

import pytest

from study.execution import execute
from study.execution.execute import Execution
from study.execution.stopping import Faults, Policy, Stop
from study.ledger.events import Ended, Tested
from study.ledger.ledger import Ledger
from study.planning.comparison import comparing_runs
from study.planning.runs import grid_runs
from tests.study import fake, fake_grid
from tests.study.execution.test_looking import finish, plan, value
from tests.study.execution.test_stages import small

Attempt = Callable[[Ledger, int], list[int]]


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """Runs an attempt that is stopped after so many trials, if not earlier; returns how many trials
    were known each time that Tune started."""

    def run(ledger: Ledger, most: int) -> list[int]:
        record, faults, starts = ledger.record, Faults(Policy(), Stop()), list[int]()
        runs_of = {run.number: run for run in grid_runs(record.plan)}

        def tune(*given: object) -> None:
            runs = comparing_runs(record.plan, record)
            left = [one for one in runs if one.number not in record.trials]
            starts.extend([len(record.trials)] if left else [])
            for one in left:
                if len(record.trials) == most:
                    faults.stop.reason = "test"
                    return
                fake_grid.complete(ledger, one)

        def measure(execution: Execution) -> None:
            for trial in record.in_state("complete"):
                if trial.tested is None:
                    metrics = {"test_miou": value(runs_of[trial.number])}
                    ledger.append(Tested(trial=trial.number, metrics=metrics))

        monkeypatch.setattr(execute.tuner, "run", tune)
        monkeypatch.setattr(Execution, "_measure_finalists", measure)
        monkeypatch.setattr(Execution, "_begin", lambda execution: [])
        monkeypatch.setattr(Execution, "_lane_settings", lambda execution: None)
        monkeypatch.setattr(Execution, "_measure_networks", lambda execution: None)
        monkeypatch.setattr(Execution, "_end", lambda execution: ledger.append(Ended()))
        Execution(record.plan, fake.SPACE, small(), ledger, faults).run()
        return starts

    return run


def test_tune_starts_once_before_each_look(tmp_path: Path, attempt: Attempt) -> None:
    ledger = fake.begin(plan(tmp_path, smallest=0.002))
    assert attempt(ledger, 1000) == [0, 24, 28]
    assert ledger.record.ended
    assert [look.seeds for look in ledger.record.looks] == [6, 8, 10]


@pytest.mark.parametrize(
    "most", [26, *(pytest.param(most, marks=pytest.mark.slow) for most in (5, 24, 31))]
)
def test_a_stopped_attempt_is_continued_to_the_same_looks(
    tmp_path: Path, attempt: Attempt, most: int
) -> None:
    whole = finish(fake.begin(plan(tmp_path / "whole", smallest=0.002)))
    ledger = fake.begin(plan(tmp_path / "stopped", smallest=0.002))
    attempt(ledger, most)
    assert not ledger.record.ended
    attempt(ledger, 1000)
    assert ledger.record.ended
    found, expected = ledger.record.looks, whole.looks
    assert [look.arms for look in found] == [look.arms for look in expected]
    assert ledger.record.trials.keys() == whole.trials.keys()
