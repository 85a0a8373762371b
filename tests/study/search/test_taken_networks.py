"""A run that differs from another in its refinement alone takes its networks and trains nothing.

Cell ``plain`` is trial 0, ``refined`` trial 1, with its own settings ``again`` trial 2.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import Cell
from study.ledger import end_mark
from study.ledger.event_values import Shared
from study.ledger.events import Tested
from study.ledger.ledger import Ledger
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.tested import Refined
from study.planning.dependent_runs import DependentRuns
from study.reporting.pictures.trial_artifacts import TrialArtifacts
from study.reporting.terminal.event_lines import event_line
from tests.study.execution.test_stages import small
from tests.study.search.grid_driver import Driver, Killed, plan
from trainables.config import from_flat, identity
from trainables.training import checkpoint

REFINED = Cell(name="refined", changes={"refine/method": "dense_crf"})
AGAIN = Cell(name="again", changes={"refine/method": "dense_crf", "dense_crf/steps": 2})
ALL = [(0, epoch) for epoch in range(1, 6)]
CELLS = (REFINED, AGAIN)
OF_PLAIN = Shared(trial=0, epochs=5)


def figures(record: StudyRecord) -> dict[int, tuple[object, ...]]:
    """What each trial is, whoever trained it."""
    return {
        number: (trial.state, trial.id, [epoch.metrics for epoch in trial.epochs.values()])
        for number, trial in record.trials.items()
    }


def measure(driver: Driver, number: int) -> None:
    """The trial's network is read, and its test is written."""
    driver.folder.measured_checkpoint(driver.ledger.record.trials[number]).state()
    refined = Refined(chosen={"dense_crf/steps": 3}, value=0.5) if number else None
    driver.ledger.append(Tested(trial=number, metrics={"test_miou": 0.5}, refined=refined))


def test_refined_cells_train_nothing(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, *CELLS, seeds=(0, 1))).run()
    assert {number for number, _ in driver.ran} == {0, 3}
    record = Ledger(driver.folder.ledger).record
    for number, trial in record.trials.items():
        assert trial.state == "complete"
        assert trial.seconds == (10 if number in (0, 3) else 0)
        assert trial.id == identity(from_flat(trial.config), record.data.digest)
        lender = trial.lender
        assert (lender and lender.number) == {0: None, 3: None, 1: 0, 2: 0}.get(number, 3)
        found = driver.folder.measured_checkpoint(trial)
        assert found.folder.parent.name == ("trial-0000" if number < 3 else "trial-0003")
    assert record.trials[1].metrics == record.trials[0].metrics
    assert len({trial.id for trial in record.trials.values()}) == 6


@pytest.mark.parametrize("changes", [{"eval/checkpoint": "best"}, {"eval/both_checkpoints": True}])
def test_best_networks_are_taken_too(tmp_path: Path, changes: dict[str, str | bool]) -> None:
    base = plan(tmp_path, *CELLS)
    study = replace(base, base={**base.base, **changes})
    driver = Driver(study).run()
    assert driver.ran == ALL
    trials = driver.ledger.record.trials
    assert trials[2].measured_epoch == trials[0].measured_epoch
    assert trials[2].other_epoch == trials[0].other_epoch


def test_without_sharing_all_train_and_have_the_same_figures(tmp_path: Path) -> None:
    alone = Driver(plan(tmp_path / "alone", *CELLS, sharing=False)).run()
    together = Driver(plan(tmp_path / "together", *CELLS)).run()
    assert [number for number, epoch in alone.ran if epoch == 5] == [0, 1, 2]
    assert figures(alone.ledger.record) == figures(together.ledger.record)


def test_networks_stay_until_the_last_test_that_reads_them(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, *CELLS, seeds=(0, 1)))
    assert driver.run_next() is not None
    assert driver.states() == {0: [5]}, "others will take it"
    driver.run()
    for number in (1, 2, 0, 3, 4):
        assert driver.states() == {0: [5], 3: [5]}
        measure(driver, number)
    assert driver.states() == {0: [5], 3: [5]}, "trial 5 is not tested"
    measure(driver, 5)
    assert driver.states() == {0: [5]}, "the gallery shows the first seed"


def test_a_run_that_would_wait_lets_the_next_seed_begin(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, *CELLS, seeds=(0, 1)))
    first, second = driver.suggest("a"), driver.suggest("b")
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (0, 3)
    assert driver.search.suggest("c") is None, "all others wait"
    for spec, name in ((second, "b"), (first, "a")):
        driver.begin(spec)
        for _ in driver.steps(spec, name):
            pass
    assert driver.suggest("c") is None
    assert len(driver.ledger.record.in_state("complete")) == 6


@pytest.mark.parametrize("damage", ["changed", "gone", "failed"])
def test_without_the_others_network_a_run_trains_itself(tmp_path: Path, damage: str) -> None:
    driver = Driver(plan(tmp_path, *CELLS))
    driver.fails = {0: 3} if damage == "failed" else {}
    assert driver.run_next() is not None
    for state in driver.folder.tune.glob("*/trial-0000/*/state.pt"):
        state.unlink() if damage == "gone" else state.write_bytes(b"another state")
    driver.run()
    trials = driver.ledger.record.trials
    assert [epoch for number, epoch in driver.ran if number == 1] == [1, 2, 3, 4, 5]
    assert trials[1].lender is None
    assert trials[1].state == trials[2].state == "complete"
    # Trial 2 may take the networks of trial 1, once it is known that those of trial 0 are gone.
    assert trials[2].lender in (None, trials[1])


@pytest.mark.parametrize("lines", range(7))
def test_a_study_killed_while_it_takes_networks_ends_as_another(tmp_path: Path, lines: int) -> None:
    driver = Driver(plan(tmp_path, REFINED))
    assert driver.run_next() is not None
    whole = driver.folder.ledger.read_bytes().splitlines(keepends=True)
    driver.run()
    driver.ledger.close()
    taken = driver.folder.ledger.read_bytes().splitlines(keepends=True)
    driver.folder.ledger.write_bytes(b"".join(taken[: len(whole) + lines]))
    end_mark.path_of(driver.folder.ledger).unlink()
    again = Driver(driver.plan).run()
    assert again.ran == []
    assert figures(again.ledger.record) == figures(driver.ledger.record)
    assert again.ledger.record.trials[1].lender is again.ledger.record.trials[0]


@pytest.mark.parametrize("killed_after", [0, 3, 5])
def test_a_study_killed_in_training_ends_as_another(tmp_path: Path, killed_after: int) -> None:
    driver = Driver(plan(tmp_path, REFINED))
    driver.killed_after = killed_after
    if killed_after < 5:
        with pytest.raises(Killed):
            driver.run()
    else:
        driver.run_next()
    driver.ledger.close()
    again = Driver(driver.plan).run()
    assert len(driver.ran) + len(again.ran) == 5
    assert again.ledger.record.trials[1].shared == OF_PLAIN


def test_another_study_reuses_both(tmp_path: Path) -> None:
    first = Driver(replace(plan(tmp_path, REFINED), study="before")).run()
    for number in (0, 1):
        measure(first, number)
    driver = Driver(plan(tmp_path, REFINED, AGAIN)).run()
    assert driver.ran == []
    trials = driver.ledger.record.trials
    assert [trial.reused is not None for trial in trials.values()] == [True, True, False]
    refined = trials[1]
    assert refined.refined == Refined(chosen={"dense_crf/steps": 3}, value=0.5)
    assert refined.decided_config["dense_crf/steps"] == 3
    for trial in trials.values():
        source = driver.folder.measured_checkpoint(trial).folder
        assert source.parts[-4:-1] != ()
        assert source.parent.name == "trial-0000"
        assert StudyFolder(tmp_path / "before").path in source.parents
    assert trials[2].shared == OF_PLAIN


def test_settings_that_another_objective_chose_are_not_reused(tmp_path: Path) -> None:
    first = Driver(replace(plan(tmp_path, REFINED), study="before")).run()
    for number in (0, 1):
        measure(first, number)
    other = replace(plan(tmp_path, REFINED), objectives={"dice": "max"})
    driver = Driver(other).run()
    assert driver.ran == []
    plain, refined = driver.ledger.record.trials.values()
    assert plain.reused is not None
    assert plain.tested is not None
    assert (refined.reused, refined.tested, refined.refined) == (None, None, None)
    assert refined.shared == OF_PLAIN


def test_the_plan_counts_them_as_no_training(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, *CELLS))
    runs = DependentRuns(driver.plan, driver.ledger.record)
    assert runs.described() == (
        "3 cells take 1 training a seed instead of 3; refined, again take the networks of plain, "
        "no training"
    )
    assert runs.most_kept() == 0
    assert runs.kept_epochs(0) == ()


def test_terminal_says_whose_network_it_is(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, REFINED))
    lines = list[str]()
    driver.ledger.listeners.append(lambda e: lines.append(event_line(e, driver.ledger.record)))
    driver.run()
    own = [line for line in lines if line.startswith("trial 1")]
    assert own == ["trial 1: refined, seed 0; takes trial 0's network, no training"]


def test_counts_and_pictures_of_validation_are_the_others(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, REFINED)).run()
    folder, trials = driver.folder, driver.ledger.record.trials
    found = folder.counts_of(trials[1], "val")
    assert found is None
    folder.counts(0, "val").parent.mkdir()
    folder.counts(0, "val").write_bytes(b"counts")
    assert folder.counts_of(trials[1], "val") == folder.counts(0, "val")
    assert folder.counts_of(trials[1], "test") is None
    TrialArtifacts(folder, small())(trials[1])
    assert folder.counts(1, "val").read_bytes() == b"counts"
    assert checkpoint.of_epoch(folder.trial_folders(0), 5).has_state
