"""`--folds K`: arms x folds x seeds, paired; what does not go with it is one line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cluster import session
from study.commands import options
from study.ledger.plan import Plan
from study.ledger.plan_json import plan_from_json, plan_to_json
from study.ledger.record import StudyRecord
from study.planning import make_plan
from study.planning.dependent_runs import DependentRuns
from study.planning.runs import check_images, grid_runs
from tests.study import fake_grid
from tests.study.commands.test_run import refused
from tests.study.search import grid_driver
from tests.study.search.grid_driver import LATE, SMALL, STRONG
from trainables.config import TrialConfig

FACTOR = ("--factor", "loss/beta=0,1")


def plan_of(*arguments: str) -> Plan:
    return make_plan.plan_from_request(options.parse_request(arguments), [session.local_node()])


def test_every_cell_runs_on_every_fold_with_every_seed() -> None:
    plan = plan_of(*FACTOR, "--folds", "5", "--seeds", "2")
    runs = grid_runs(plan)
    assert plan.trials == len(runs) == 2 * 5 * 2
    by_pair: dict[tuple[int, int], list[str]] = {}
    for run in runs:
        by_pair.setdefault(run.pair, []).append(run.cell)
        assert (run.config["seed"], run.config["data/fold"]) == run.pair
        assert run.config["data/folds"] == 5
    assert list(by_pair) == [(seed, fold) for seed in (0, 1) for fold in (1, 2, 3, 4, 5)]
    assert all(cells == ["baseline", "beta=1"] for cells in by_pair.values())
    assert plan.correction == "holm"
    assert plan.base["data/holdout"] == 0, "nothing is chosen"
    check_images(plan, plan.known_space())


def test_one_seed_of_each_fold_is_the_default() -> None:
    assert plan_of(*FACTOR, "--folds", "5").ablation.seeds == (0,)


def test_a_run_shares_epochs_only_with_one_of_its_own_fold_and_seed(tmp_path: Path) -> None:
    base = TrialConfig().changed({**SMALL, "data/folds": 5, "data/fold": 1})
    plan = grid_driver.plan(tmp_path, LATE, STRONG, seeds=(0, 1), base=base)
    plan = replace(plan, design=replace(plan.ablation, folds=5))
    dependent = DependentRuns(plan, StudyRecord())
    pairs = [
        (dependent.runs[source].pair, run.pair)
        for number, run in dependent.runs.items()
        for source in dependent.sources(number)
    ]
    assert len(pairs) == 2 * 5 * 3, "two late cells with the plain one, and with each other"
    assert all(one == other for one, other in pairs)


def test_a_ledger_has_the_folds_and_one_without_them_is_as_before(tmp_path: Path) -> None:
    plan = plan_of(*FACTOR, "--folds", "5", "--seeds", "2")
    line = json.loads(json.dumps(plan_to_json(plan)))
    again = plan_from_json(line)
    assert again.ablation.folds == 5
    assert again.ablation.units == plan.ablation.units == tuple(range(10))
    before = plan_to_json(fake_grid.plan(tmp_path))
    assert "folds" not in before
    assert plan_from_json(before).ablation.folds == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*FACTOR, "--folds", "3"), "--folds must be 5 .. 10"),
        ((*FACTOR, "--folds", "11"), "--folds must be 5 .. 10"),
        (("--space", "inverseform", "--folds", "5"), "--folds goes with --grid or --factor"),
        ((*FACTOR, "--folds", "5", "--smallest", "0.2"), "--smallest cannot be given with --folds"),
        ((*FACTOR, "--folds", "5", "--seeds", "6..12"), "looks count seeds, not folds"),
        ((*FACTOR, "--folds", "5", "--set", "data/fold=2"), "--set data/fold cannot be given"),
        ((*FACTOR, "--folds", "5", "--set", "data/val_images=9"), "data/val_images must be 0"),
        (("--space", "all_losses", "--folds", "5"), "--trials must be 0 with --folds"),
        (("--factor", "data/fold=1,2", "--set", "data/folds=5"), "data/fold must be"),
        (
            (*FACTOR, "--folds", "5", "--set", "data/holdout=0", "--set", "eval/checkpoint=best"),
            "the epoch of each network must not be chosen on what is tested",
        ),
        (("--resume", "mine", "--folds", "5"), "--folds cannot be given with --resume"),
        (("--winner", "mine", "--folds", "5"), "--folds cannot be given with --winner"),
        (("--horizon", "mine", "--folds", "5"), "--folds cannot be given with --horizon"),
        (("--replay", "mine/0", "--folds", "5"), "--folds cannot be given with --replay"),
    ],
)
def test_what_does_not_go_with_folds_is_one_line(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert message in refused(capsys, tmp_path, *arguments)


def test_an_epoch_is_chosen_on_held_out_training_images() -> None:
    plan = plan_of(*FACTOR, "--folds", "5", "--set", "eval/checkpoint=best")
    assert plan.base["data/holdout"] == -1


def test_cells_cannot_differ_in_their_fold() -> None:
    plan = plan_of("--factor", "data/fold=1,2", "--folds", "5")
    with pytest.raises(ValueError, match="data/fold must be left to --folds"):
        check_images(plan, plan.known_space())
