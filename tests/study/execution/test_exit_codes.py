"""The exit code of a study that has ended, by what it has to say."""

from pathlib import Path

import pytest

from study.analysis.ranking import no_result
from study.commands import run_study
from study.execution.stopping import STOPPED
from study.ledger.design import Ablation
from study.ledger.events import BudgetSpent, Ended, EpochEnded, Finished
from study.ledger.ledger import Ledger
from study.planning.runs import grid_runs
from tests.study import fake, fake_grid
from tests.study.commands.test_end_of_study import closed as closed  # a fixture
from tests.study.commands.test_end_of_study import end


def test_a_study_with_a_result_says_nothing(tmp_path: Path) -> None:
    assert no_result(fake.ended_study(fake.plan(tmp_path)).record) == ""
    assert no_result(fake_grid.ended_study(fake_grid.plan(tmp_path, study="grid")).record) == ""


def test_a_search_whose_every_trial_failed_ends_with_a_fault_and_its_usual_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], closed: list[object]
) -> None:
    """It ended with exit code 0."""
    plan = fake.plan(tmp_path, trials=3)
    ledger = fake.begin(plan)
    for number, kind in enumerate(["diverged", "KeyError", "diverged"]):
        fake.fail(ledger, plan, number, kind)
    ledger.append(Ended())
    assert end(plan, ledger) == STOPPED
    assert (
        "no result: none of 3 trials is complete; the most frequent failure, 2 times diverged: "
        "the loss was not finite"
    ) in capsys.readouterr().err
    assert run_study.exit_code(ledger.record) == STOPPED


def test_a_comparison_whose_every_cell_failed_ends_with_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], closed: list[object]
) -> None:
    """It ended with "undecided, n = 0" and exit code 0."""
    plan = fake_grid.plan(tmp_path)
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        fake_grid.fail(ledger, run, "ValueError")
    ledger.append(Ended())
    assert end(plan, ledger) == STOPPED
    assert "12 times ValueError: it went wrong" in capsys.readouterr().err


def test_pruned_trials_alone_and_an_undefined_objective_are_no_result(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=2)
    ledger = fake.begin(plan)
    for number in range(2):
        fake.prune(ledger, plan, number)
    assert no_result(ledger.record) == "no result: none of 2 trials is complete"
    undefined(plan_ledger := fake.begin(fake.plan(tmp_path, study="undefined")))
    assert no_result(plan_ledger.record) == ("no result: miou is undefined in 1 complete trial")


@pytest.mark.parametrize(("complete", "code"), [(0, STOPPED), (1, 0)])
def test_a_budget_without_one_complete_trial_is_no_result(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    closed: list[object],
    complete: int,
    code: int,
) -> None:
    """It ended with exit code 0."""
    plan = fake.plan(tmp_path, budget={"hours": 0.1})
    ledger = fake.begin(plan)
    for number in range(complete):
        fake.complete(ledger, plan, number)
    fake.epoch(ledger, fake.start(ledger, plan, complete), 1)
    ledger.append(BudgetSpent(used={"hours": 0.1}))
    assert end(plan, ledger) == code
    output = capsys.readouterr()
    line = "no result: its only trial is not complete and the budget is spent"
    assert (line in output.err) == bool(code)
    assert "--max-hours MORE" in output.out


def test_a_budget_spent_on_the_cells_searches_is_no_result(tmp_path: Path) -> None:
    """Their trials are no part of the comparison."""
    design = Ablation(grid=fake_grid.GRID, seeds=fake_grid.SEEDS, search_trials=2)
    ledger = fake.begin(fake_grid.plan(tmp_path, design=design))
    ledger.append(BudgetSpent(used={"hours": 0.1}))
    assert no_result(ledger.record) == (
        "no result: no trial that would be compared has started and the budget is spent"
    )


def undefined(ledger: Ledger) -> None:
    """A complete trial without the objective."""
    fake.start(ledger, ledger.record.plan, 0)
    for epoch in range(1, fake.EPOCHS + 1):
        ledger.append(
            EpochEnded(trial=0, epoch=epoch, metrics={"miou": None}, seconds=1.0, lane="a")
        )
    ledger.append(Finished(trial=0, state="complete"))
