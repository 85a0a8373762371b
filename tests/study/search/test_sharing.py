"""A run of a grid begins from the checkpoint of one that was the same until then, once it is there.

Cell ``plain`` is trial 0, the others follow; ``w_a from 0.8`` differs from it in the fifth epoch.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import Cell
from study.ledger.event_values import Shared
from study.ledger.ledger import Ledger
from study.planning.dependent_runs import DependentRuns
from study.reporting.sections import beginnings
from tests.study.search.grid_driver import LATE, SOON, STRONG, Driver, Killed, plan, rows_of
from trainables.config import from_flat, identity
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, FailedTrial

ALL = [(0, epoch) for epoch in range(1, 6)]


def shared(driver: Driver) -> dict[int, Shared | None]:
    """By trial, as a reader of the ledger sees it."""
    trials = Ledger(driver.folder.ledger).record.trials
    return {number: trial.shared for number, trial in trials.items()}


def of_plain(epochs: int = 4) -> Shared:
    return Shared(trial=0, epochs=epochs)


def test_shared_epochs_are_run_once_and_count_once(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, LATE, STRONG)).run()
    assert driver.ran == [*ALL, (1, 5), (2, 5)]
    assert shared(driver) == {0: None, 1: of_plain(), 2: of_plain()}
    record = driver.ledger.record
    for trial in record.trials.values():
        assert trial.state == "complete"
        assert list(trial.epochs) == [1, 2, 3, 4, 5]
        assert [epoch.metrics["miou"] for epoch in trial.epochs.values()] == [
            n / 8 for n in range(1, 6)
        ]
    assert [trial.seconds for trial in record.trials.values()] == [10, 2, 2]
    (section,) = beginnings.section(record)
    assert [row[3:] for row in rows_of(section)] == 2 * [["trial 0, plain", "4 of 5"]]
    late = record.trials[1].epochs[1].metrics
    assert late["train/active_boundary"] == 0.0
    assert record.trials[1].id == identity(from_flat(driver.began[1].config), "d" * 16)


def test_a_twin_may_have_shared_epochs_itself(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, SOON, LATE, replace(SOON, name="x", changes={
        **SOON.changes, "loss/ar": 1.0, "loss/schedule": "w_a from 0.4, ar from 0.6"
    }))).run()  # fmt: skip
    assert shared(driver) == {
        0: None,
        1: of_plain(2),
        2: of_plain(),
        3: Shared(trial=1, epochs=3),
    }


def test_the_plan_counts_trainings(tmp_path: Path) -> None:
    late = [Cell(name=f"{w}", changes={**LATE.changes, "loss/w_a": float(w)}) for w in range(1, 10)]
    base = plan(tmp_path, *late, seeds=(0, 1))
    driver = Driver(base)
    runs = DependentRuns(driver.plan, driver.ledger.record)
    assert runs.described() == "10 cells take 2.8 trainings a seed instead of 10"
    assert sum(runs.shared_of_left().values()) == 2 * 9 * 4
    assert runs.most_kept() == 1
    alone = DependentRuns(replace(base, sharing=False), driver.ledger.record)
    assert alone.described() == ""


def test_without_sharing_every_epoch_runs(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, LATE, sharing=False)).run()
    assert driver.ran == [*ALL, *((1, epoch) for epoch in range(1, 6))]
    assert shared(driver) == {0: None, 1: None}
    assert b'"sharing"' not in driver.folder.ledger.read_bytes(), "as older versions wrote it"


def test_a_run_waits_for_its_twin_and_later_seeds_do_not(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, LATE, seeds=(0, 1)))
    first = driver.suggest("a")
    assert first is not None
    assert first.kept_epochs == (4,)
    driver.begin(first)
    second = driver.suggest("b")
    assert second is not None
    assert (second.number, second.cell) == (2, "plain")
    driver.begin(second)
    assert driver.search.suggest("c") is None, "both wait"
    steps = driver.steps(first, "a")
    for _ in range(4):
        next(steps)
    third = driver.suggest("c")
    assert third is not None
    assert (third.number, third.twin, third.shared_epochs) == (1, 0, 4)


def test_a_checkpoint_stays_until_the_last_that_may_begin_from_it_has_its_own(
    tmp_path: Path,
) -> None:
    driver = Driver(plan(tmp_path, LATE, STRONG))
    seen: list[list[int]] = []
    pretend = driver.train

    def look(spec: TrialSpec) -> Iterator[EpochReport | FailedTrial]:
        seen.append(driver.states().get(0, []))
        yield from pretend(spec)

    driver.train = look
    driver.run()
    assert seen == [[], [4, 5], [4, 5]]
    assert 4 not in driver.states()[0]


@pytest.mark.parametrize("epoch", [1, 4, 5])
def test_after_a_twin_that_failed_a_run_begins_where_it_can(tmp_path: Path, epoch: int) -> None:
    driver = Driver(plan(tmp_path, LATE))
    driver.fails = {0: epoch}
    driver.run()
    trial = driver.ledger.record.trials[1]
    assert trial.state == "complete"
    assert trial.shared == (of_plain() if epoch == 5 else None)


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_after_a_damaged_checkpoint_a_run_is_from_scratch(tmp_path: Path, damage: str) -> None:
    driver = Driver(plan(tmp_path, LATE))
    assert driver.run_next() is not None
    (state,) = driver.folder.tune.glob("*/trial-0000/checkpoint_000004/state.pt")
    state.unlink() if damage == "gone" else state.write_bytes(b"another state")
    driver.run()
    assert shared(driver)[1] is None
    assert driver.ran[5:] == [(1, epoch) for epoch in range(1, 6)]


def test_a_run_reused_from_another_study_gives_no_checkpoint(tmp_path: Path) -> None:
    Driver(replace(plan(tmp_path), study="before")).run()
    driver = Driver(plan(tmp_path, LATE, STRONG)).run()
    assert driver.ledger.record.trials[0].reused is not None
    assert shared(driver) == {0: None, 1: None, 2: Shared(trial=1, epochs=4)}


@pytest.mark.parametrize("killed_after", range(7))
def test_a_study_killed_at_any_epoch_ends_as_one_that_was_not(
    tmp_path: Path, killed_after: int
) -> None:
    driver = Driver(plan(tmp_path, LATE, STRONG))
    driver.killed_after = killed_after
    with pytest.raises(Killed):
        driver.run()
    driver.ledger.close()
    again = Driver(driver.plan).run()
    whole = Driver(plan(tmp_path / "whole", LATE, STRONG)).run()
    for number, trial in whole.ledger.record.trials.items():
        resumed = again.ledger.record.trials[number]
        assert (resumed.state, resumed.id) == (trial.state, trial.id)
        assert [e.metrics for e in resumed.epochs.values()] == [
            e.metrics for e in trial.epochs.values()
        ]
    assert shared(again) == shared(whole)
    assert len(driver.ran) + len(again.ran) == 7


def test_a_kill_before_the_first_own_epoch_and_a_lost_checkpoint_run_from_scratch(
    tmp_path: Path,
) -> None:
    driver = Driver(plan(tmp_path, LATE))
    driver.killed_after = 5
    with pytest.raises(Killed):
        driver.run()
    assert shared(driver)[1] == of_plain()
    (state,) = driver.folder.tune.glob("*/trial-0000/checkpoint_000004/state.pt")
    state.unlink()
    driver.ledger.close()
    again = Driver(driver.plan).run()
    assert shared(again)[1] is None
    assert again.ran == [(1, epoch) for epoch in range(1, 6)]
