"""A searched comparison is planned again at one rate, on the same seeds."""

from pathlib import Path

import pytest

from cluster import session
from search_spaces import GRIDS
from study.commands import options
from study.commands.run import main
from study.ledger.events import Chosen, ChosenWeights, Ended, Tested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.planning import make_plan
from study.planning.runs import grid_runs
from study.search import reuse
from tests.study import fake, fake_grid
from tests.study.commands.test_run import refused
from tests.study.search import test_cell_search
from trainables.config import Value

RATES = {"cross_entropy": 0.002, "lovasz": 0.001, "affinity_regression": 0.002}
WEIGHTS: dict[str, dict[str, Value]] = {
    "cross_entropy": {},
    "lovasz": {"loss/lovasz": 3.0},
    "affinity_regression": {"loss/ar": 0.2},
}


def chosen(storage: Path, rates: dict[str, float]) -> tuple[Plan, Ledger]:
    """The study of ``test_cell_search`` whose searches have ended and found these rates."""
    plan = test_cell_search.planned(storage)
    ledger = fake.begin(plan)
    test_cell_search.drive(plan, ledger)
    cells = {
        cell: ChosenWeights(trial=0, changes={**WEIGHTS[cell], "optim/lr": rate})
        for cell, rate in rates.items()
    }
    ledger.append(Chosen(cells=cells))
    return plan, ledger


def compared(storage: Path, rates: dict[str, float]) -> Ledger:
    """That study, ended: every run scores a hundred times its rate on the test list."""
    _, ledger = chosen(storage, rates)
    for run in grid_runs(ledger.record.plan):
        test_cell_search.start(ledger, run)
        test_cell_search.end(ledger, run.number)
        rate = float(ledger.record.trials[run.number].config["optim/lr"])
        ledger.append(Tested(trial=run.number, metrics={"test_miou": 100 * rate}))
    ledger.append(Ended())
    return ledger


def planned(storage: Path, *extra: str) -> Plan:
    given = options.parse_request(["--control", "arms", *extra, "--storage", str(storage)])
    return make_plan.plan_from_request(given, [session.local_node()])


def test_every_cell_keeps_its_loss_and_takes_the_baseline_s_rate(tmp_path: Path) -> None:
    searched = compared(tmp_path, RATES).record
    plan = planned(tmp_path)
    assert (plan.grid.name, plan.grid.baseline) == ("control", "cross_entropy")
    assert {cell.name: dict(cell.changes) for cell in plan.grid.cells} == WEIGHTS
    assert plan.grid.question == "Is it the loss, or its optim/lr?"
    assert plan.ablation.seeds == searched.plan.ablation.seeds == (1, 2, 3, 4, 5, 6)
    runs = grid_runs(plan)
    assert {run.config["optim/lr"] for run in runs} == {0.002}
    assert {run.config["loss/lovasz"] for run in runs if run.cell == "lovasz"} == {3.0}
    assert plan.trials == len(runs) == 18
    published = plan.grid.cell("lovasz").published
    assert published == {"arms, test": {"miou": pytest.approx(0.1)}}
    (gains,) = plan.grid.cell("lovasz").gains.values()
    (baseline,) = plan.grid.cell("cross_entropy").published.values()
    assert gains == {"miou": pytest.approx(0.1 - baseline["miou"])}
    assert not plan.grid.cell("cross_entropy").gains


def test_only_cells_with_another_rate_run_again(tmp_path: Path) -> None:
    digest = compared(tmp_path, RATES).record.data.digest
    reusable = reuse.reusable_runs(planned(tmp_path), digest, fake.begin(planned(tmp_path)).record)
    assert [run.cell for run, _ in reusable].count("cross_entropy") == 6
    assert {run.cell for run, _ in reusable} == {"cross_entropy", "affinity_regression"}


def test_another_rate_can_be_requested(tmp_path: Path) -> None:
    compared(tmp_path, dict.fromkeys(RATES, 0.002))
    plan = planned(tmp_path, "--set", "optim/lr=0.004", "--seeds", "7", "--name", "higher")
    assert {run.config["optim/lr"] for run in grid_runs(plan)} == {0.004}
    assert (plan.study, plan.ablation.seeds) == ("higher", (1, 2, 3, 4, 5, 6, 7))


def test_a_compared_field_keeps_its_value(tmp_path: Path) -> None:
    """Class weights, and a network of a loss's own, are the cell's; so is what it alone sets."""
    plan, ledger = chosen(tmp_path, RATES)
    cells = dict(ledger.record.chosen)
    own = {"batch": 4, "inverse_net/steps": 9}
    cells["lovasz"] = ChosenWeights(trial=0, changes={**cells["lovasz"].changes, **own})
    ledger.append(Chosen(cells=cells))
    grid = planned(plan.storage).grid
    assert grid.cell("lovasz").changes == {"loss/lovasz": 3.0, **own}


def test_a_baseline_without_a_complete_trial_keeps_its_initial_rate(
    tmp_path: Path,
) -> None:
    plan, ledger = chosen(tmp_path, RATES)
    nothing = ChosenWeights(trial=None, changes={})
    cells = {**ledger.record.chosen, "cross_entropy": nothing}
    ledger.append(Chosen(cells=cells))
    runs = grid_runs(planned(plan.storage))
    assert {run.config["optim/lr"] for run in runs} == {plan.base["optim/lr"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--control", "none"], "--control must name a study in"),
        (["--control", "../x"], "--control must be letters"),
        (["--control", "x", "--epochs", "3"], "--epochs cannot be given with --control"),
        (["--control", "x", "--grid", "arms"], "--grid cannot be given with --control"),
        (["--control", "x", "--set", "optim/lrr=1"], "did you mean optim/lr"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, tmp_path, *arguments)


def test_a_study_with_nothing_to_control_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal(storage: Path, name: str, *more: str) -> str:
        assert main(["--control", name, *more, "--storage", str(storage)]) == 2
        return capsys.readouterr().err

    fake.ended_study(fake.plan(tmp_path / "a"))
    fake_grid.ended_study(fake_grid.plan(tmp_path / "a", study="grid"))
    for name in ("fake", "grid"):
        assert "whose cells' searches have ended, got " in refusal(tmp_path / "a", name)
    compared(tmp_path / "b", dict.fromkeys(RATES, 0.002))
    assert "whose cells chose different values" in refusal(tmp_path / "b", "arms")
    error = refusal(tmp_path / "b", "arms", "--set", "optim/momentum=0.5")
    assert "--set beside --control must be of optim/lr, got 'optim/momentum'" in error


def test_beside_its_losses_each_cell_searches_only_the_rate() -> None:
    """So that one value controls the default comparison."""
    grid = GRIDS["all_losses"]["arms"]
    baseline = grid.cell(grid.baseline).searched
    assert [dimension.path for dimension in baseline if not dimension.path.startswith("loss/")] == [
        "optim/lr"
    ]
