"""A finished grid's leaders run again, longer, and the result stands beside the verdict."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster import session
from search_spaces import Cell
from study.analysis import horizon
from study.analysis.networks import best_pair
from study.analysis.results import AblationResults
from study.commands import options
from study.ledger.events import Ended, Tested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning import make_plan
from study.planning.runs import grid_runs
from study.reporting.sections import horizon as section
from tests.study import fake, fake_grid
from tests.study.commands.test_run import refused
from tests.study.fake_datasets import ended


def planned(storage: Path, *extra: str) -> Plan:
    given = options.parse_request(["--horizon", "fake", *extra, "--storage", str(storage)])
    return make_plan.plan_from_request(given, [session.local_node()])


def finish(plan: Plan, figures: dict[str, float]) -> Ledger:
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        fake_grid.complete(ledger, run)
        ledger.append(Tested(trial=run.number, metrics={"test_miou": figures[run.cell]}))
    ledger.append(Ended())
    return ledger


def test_the_leaders_run_on_the_first_seed_three_times_as_long(tmp_path: Path) -> None:
    fake_grid.ended_study(fake_grid.plan(tmp_path))
    plan = planned(tmp_path)
    assert plan.epochs == 3 * fake.EPOCHS
    assert plan.ablation.seeds == (0,)
    assert [cell.name for cell in plan.design.cells] == ["plain", "good"]
    assert [run.config["loss/lovasz"] for run in grid_runs(plan)] == [0.0, 1.0]
    assert horizon.origin(plan) == "fake"
    # fake_grid.score of seed 0 after 4 epochs, and 1/8 for the test list
    assert plan.grid.cell("plain").published == {
        "fake after 4 epochs, test": {"miou": 0.25 + 4 / 64 + 0.125}
    }


def test_the_one_that_came_last_runs_beside_the_best_three(tmp_path: Path) -> None:
    """It may only be late; a middling one is left out."""
    gains = {name: (place / 64,) * 6 for place, name in enumerate(("e", "d", "c", "b", "a"))}
    cells = [
        Cell(name=name, changes={"loss/ar": 0.1 + place}) for place, name in enumerate("abcde")
    ]
    grid = replace(fake_grid.GRID, cells=(fake_grid.GRID.cells[0], *cells))
    ended(tmp_path, "fake", "shapes", gains, grid)
    assert [cell.name for cell in planned(tmp_path).design.cells] == ["plain", "a", "b", "c", "e"]


def test_leaders_lead_on_the_same_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that was decided early has fewer seeds, here one of little luck: its own mean is the
    last, its difference from the baseline the largest."""
    gains = {name: place / 64 for place, name in enumerate(("plain", "e", "d", "c", "b", "a"))}
    cells = [Cell(name=name, changes={"loss/ar": 0.1 + gains[name]}) for name in "abcde"]
    grid = replace(fake_grid.GRID, cells=(fake_grid.GRID.cells[0], *cells))
    monkeypatch.setattr(fake_grid, "EFFECT", gains)
    ledger = fake.begin(fake_grid.plan(tmp_path, grid))
    for run in grid_runs(ledger.record.plan):
        if run.cell != "a" or run.seed == 0:
            fake_grid.complete(ledger, run)
    fake_grid.measure_all(ledger)
    ledger.append(Ended())
    assert [cell.name for cell in planned(tmp_path).design.cells] == ["plain", "a", "b", "c", "e"]
    assert best_pair(AblationResults(ledger.record).tables[0]) == ["plain", "a"]


@pytest.mark.parametrize(
    ("figures", "word"), [((0.6, 0.7), "held"), ((0.7, 0.6), "changed")], ids=["held", "changed"]
)
def test_the_result_stands_beside_the_verdict(
    tmp_path: Path, figures: tuple[float, float], word: str
) -> None:
    results = fake_grid.results(fake_grid.ended_study(fake_grid.plan(tmp_path)))
    folder = StudyFolder(tmp_path / "fake")
    before = [block.text for block in section.blocks(results, folder)]
    plain, good = figures
    longer = finish(planned(tmp_path, "--name", "longer"), {"plain": plain, "good": good})
    added = [block.text for block in section.blocks(results, folder)][len(before) :]
    (line,) = added
    assert line.startswith(f"At 12 epochs the order {word} (study longer): ")
    assert line.endswith("One seed shows a direction, and is no verdict.")
    assert line in section.lines(AblationResults(longer.record))


def test_one_seed_is_the_first_also_where_it_is_given(tmp_path: Path) -> None:
    fake_grid.ended_study(fake_grid.plan(tmp_path))
    assert planned(tmp_path, "--seeds", "1").ablation.seeds == (0,)


def test_several_seeds_are_none_of_those_that_chose_the_leaders(tmp_path: Path) -> None:
    fake_grid.ended_study(fake_grid.plan(tmp_path))  # on seeds 0 to 5
    assert planned(tmp_path, "--seeds", "6").ablation.seeds == (6, 7, 8, 9, 10, 11)
    looks = planned(tmp_path, "--seeds", "6..9", "--smallest", "0.2").ablation
    assert (looks.seeds, looks.looks) == (tuple(range(6, 15)), (6, 7, 9))
    with pytest.raises(ValueError, match="--seeds must be >= 1, got 0"):
        planned(tmp_path, "--seeds", "0")


def test_several_seeds_say_what_is_left_of_each_difference(tmp_path: Path) -> None:
    results = fake_grid.results(fake_grid.ended_study(fake_grid.plan(tmp_path)))
    folder = StudyFolder(tmp_path / "fake")
    before = [block.text for block in section.blocks(results, folder)]
    plan = planned(tmp_path, "--name", "longer", "--seeds", "6")
    longer = finish(plan, {"plain": 0.75, "good": 0.734375})
    added = [block.text for block in section.blocks(results, folder)][len(before) :]
    # fake_grid's effect of ``good`` is 1/32; 6 equal differences have the sign-flip p 2 / 2^6
    assert added == [
        "At 12 epochs, on 6 other seeds (study longer), miou less the baseline's: "
        "good +3.12 became -1.56 (worse)."
    ]
    assert added[0] in section.lines(AblationResults(longer.record))


def test_an_unfinished_longer_study_says_nothing(tmp_path: Path) -> None:
    fake_grid.ended_study(fake_grid.plan(tmp_path))
    record = fake.begin(planned(tmp_path, "--name", "longer", "--seeds", "6")).record
    assert horizon.longer_on_seeds(AblationResults(record)) is None


def test_an_unfinished_or_unknown_grid_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.begin(fake_grid.plan(tmp_path))
    where = ("--storage", str(tmp_path))
    ended = refused(capsys, tmp_path, "--horizon", "fake", *where)
    assert "--horizon must be a grid that has ended, got 'fake'" in ended
    assert "--horizon" in refused(capsys, tmp_path, "--horizon", "none", *where)
    epochs = refused(capsys, tmp_path, "--horizon", "fake", "--epochs", "3", *where)
    assert "--epochs cannot be given with --horizon" in epochs


def test_a_search_has_no_horizon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake.ended_study(fake.plan(tmp_path))
    error = refused(capsys, tmp_path, "--horizon", "fake", "--storage", str(tmp_path))
    assert "--horizon must be a grid, got the search 'fake'" in error
