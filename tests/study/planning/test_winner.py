"""A search's winner is planned again on seeds that chose nothing, beside its base."""

from pathlib import Path

import pytest

from cluster import session
from study.analysis.results import results_of
from study.commands import options
from study.commands.run import main
from study.ledger.events import Tested
from study.planning import make_plan
from study.planning.prior_studies import rerun
from study.planning.runs import grid_runs
from tests.study import fake, fake_grid
from tests.study.commands.test_run import refused


def test_the_winner_is_compared_with_its_base_at_the_same_learning_rate(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    best = results_of(ledger.record).best
    assert best is not None
    ledger.append(Tested(trial=best.number, metrics={"test_miou": 0.25}))
    space, objective, base, grid, _ = rerun.rerun_winner(tmp_path, "fake")
    assert (space, objective, base.seed) == ("inverseform", "miou", 1)
    plain, won = (grid.cell(name) for name in ("not searched", "winner"))
    assert grid.baseline == plain.name
    assert plain.changes == {"optim/lr": best.params["optim/lr"]}
    assert won.changes == best.params
    assert won.published == {
        "search fake, val": {"miou": best.metrics["miou"]},
        "search fake, test": {"miou": 0.25},
    }
    assert base.changed(won.changes).loss.tile_reduction == "mean"  # the space's base still applies


def test_the_command_plans_it_on_fresh_seeds_only(tmp_path: Path) -> None:
    fake.ended_study(fake.plan(tmp_path))
    given = options.parse_request(["--winner", "fake", "--seeds", "4", "--storage", str(tmp_path)])
    plan = make_plan.plan_from_request(given, [session.local_node()])
    assert plan.ablation.seeds == (1, 2, 3, 4)
    assert plan.trials == 8
    assert {run.config["seed"] for run in grid_runs(plan)} == {1, 2, 3, 4}
    assert plan.study.startswith("inverseform-winner-shapes")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--winner", "none"], "--winner must name a study in"),
        (["--winner", "../x"], "--winner must be letters"),
        (["--winner", "x", "--epochs", "3"], "--epochs cannot be given with --winner"),
        (["--winner", "x", "--space", "semeda"], "--space cannot be given with --winner"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, tmp_path, *arguments)


def test_a_grid_and_a_search_without_a_complete_trial_have_no_winner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_grid.ended_study(fake_grid.plan(tmp_path, study="grid"))
    fake.begin(fake.plan(tmp_path, study="started"))
    assert main(["--winner", "grid", "--storage", str(tmp_path)]) == 2
    assert "--winner must be a search, got the grid 'grid'" in capsys.readouterr().err
    assert main(["--winner", "started", "--storage", str(tmp_path)]) == 2
    assert "must have a trial that ran all epochs" in capsys.readouterr().err
