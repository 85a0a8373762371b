"""A cell ``after`` another is a second training: it starts from that cell's measured network."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search_spaces import Cell, Grid
from search_spaces.grid import grid_from_event
from study.analysis.training_budget import training_budget
from study.ledger.ledger import Ledger
from study.planning.custom_grid import grid_from_file
from study.planning.grids import checked_grid, only_cells
from study.planning.prior_studies.replay import replay_plan
from study.planning.request import StudyRequest
from study.reporting.sections import beginnings
from tests.study.search.grid_driver import PLAIN, Driver, Killed, plan, rows_of
from trainables.config import TrialConfig, from_flat, identity
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, FailedTrial
from trainables.training.checkpoint import STATE

LONGER = Cell(name="longer", changes={}, after="plain")
PEAK = Cell(name="peak", changes={"loss/ar": 0.1}, after="plain")


def test_a_second_training_starts_from_the_first_ones_network(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, LONGER, PEAK)).run()
    first = driver.ledger.record.trials[0]
    (network,) = driver.folder.tune.glob(f"*/trial-0000/checkpoint_000005/{STATE}")
    for number in (1, 2):
        began, trial = driver.began[number], driver.ledger.record.trials[number]
        assert (began.initial, began.resume_from, began.twin) == (str(network), "", None)
        assert trial.config["model/init"] == f"trial:{first.id}:5"
        assert trial.id == identity(from_flat(trial.config), "d" * 16)
        assert (trial.state, trial.shared, trial.seconds) == ("complete", None, 10)
    alone = Driver(plan(tmp_path / "alone")).run().ledger.record.trials[0]
    assert alone.id == first.id != driver.ledger.record.trials[1].id


def test_its_id_has_the_first_trainings_id_and_epoch(tmp_path: Path) -> None:
    def id_of(study: str, **changes: Any) -> str:
        driver = Driver(plan(tmp_path / study, PEAK, **changes)).run()
        return driver.ledger.record.trials[1].id

    longer = TrialConfig().changed({"epochs": 5, "model/width": 4, "optim/lr": 0.1})
    assert id_of("a") == id_of("b") != id_of("c", base=longer)


def test_the_first_networks_file_stays_until_the_second_training_has_ended(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, PEAK))
    pretend, seen = driver.train, list[tuple[int, list[int]]]()

    def look(spec: TrialSpec) -> Iterator[EpochReport | FailedTrial]:
        for report in pretend(spec):
            seen.append((spec.number, driver.states().get(0, [])))
            yield report

    driver.train = look
    driver.run()
    assert all(5 in states for number, states in seen if number == 1)


def test_after_a_failed_first_training_it_fails_and_does_not_run(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, PEAK, seeds=(0, 1)))
    driver.fails = {0: 2}
    driver.run()
    trials = Ledger(driver.folder.ledger).record.trials
    assert trials[1].failure is not None
    assert trials[1].failure.kind == "first training"
    assert trials[1].failure.message == (
        "trial 0, the first training, failed: diverged: not finite"
    )
    assert (trials[2].state, trials[3].state) == ("complete", "complete")
    assert {number for number, _ in driver.ran} == {0, 2, 3}


def test_after_a_lost_network_it_fails_and_names_the_file(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, PEAK))
    assert driver.run_next() is not None
    (state,) = driver.folder.tune.glob("*/trial-0000/checkpoint_000005/state.pt")
    state.write_bytes(b"another state")
    driver.run()
    failure = driver.ledger.record.trials[1].failure
    assert failure is not None
    assert str(state) in failure.message


@pytest.mark.parametrize("killed_after", range(10))
def test_killed_at_any_epoch_it_ends_as_if_it_was_not(tmp_path: Path, killed_after: int) -> None:
    driver = Driver(plan(tmp_path, PEAK))
    driver.killed_after = killed_after
    with pytest.raises(Killed):
        driver.run()
    driver.ledger.close()
    again = Driver(driver.plan).run()
    whole = Driver(plan(tmp_path / "whole", PEAK)).run()
    for number, trial in whole.ledger.record.trials.items():
        resumed = again.ledger.record.trials[number]
        assert (resumed.state, resumed.id, list(resumed.epochs)) == (
            trial.state,
            trial.id,
            list(trial.epochs),
        )
    assert len(driver.ran) + len(again.ran) == 10


def test_another_study_reuses_both_trainings_and_never_one_for_the_other(tmp_path: Path) -> None:
    first = Driver(plan(tmp_path, LONGER, PEAK)).run()
    second = Driver(replace(first.plan, study="second")).run()
    assert second.ran == []
    reused = {n: trial.reused for n, trial in second.ledger.record.trials.items()}
    assert {n: found and found.trial for n, found in reused.items()} == {0: 0, 1: 1, 2: 2}


def test_a_grid_states_what_comes_after_what() -> None:
    def grid(*cells: Cell) -> Grid:
        return Grid(name="g", question="?", source="s", baseline="plain", cells=cells)

    whole = grid(PLAIN, LONGER, PEAK)
    assert grid_from_event(whole.event()) == whole
    assert "after" not in whole.event()["cells"][0]
    with pytest.raises(ValueError, match="after of 'peak' must be a cell before it: there is none"):
        grid(PEAK, PLAIN)
    with pytest.raises(ValueError, match="cells must differ, got 'longer' and 'same'"):
        grid(PLAIN, LONGER, replace(LONGER, name="same"))
    chain = grid(PLAIN, LONGER, replace(PEAK, after="longer"))
    assert only_cells(StudyRequest(cells="peak"), chain) == chain
    base = TrialConfig().changed({"model/init": "/a.pt"})
    refused = "--init cannot be given with --grid g: its cell 'longer' starts from the network of"
    with pytest.raises(ValueError, match=refused):
        checked_grid(StudyRequest(), whole, base)
    lacking = grid(PLAIN, replace(LONGER, needs="more"), replace(PEAK, after="longer"))
    assert checked_grid(StudyRequest(), lacking, TrialConfig()).cell("peak").needs == (
        "the cell 'longer'"
    )


def test_a_users_file_may_say_after(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("cells:\n  plain: {}\n  peak: {after: plain, loss/ar: 0.1}\n")
    assert grid_from_file(file).cells == (PLAIN, PEAK)
    file.write_text("cells:\n  plain: {}\n  peak: {after: 3}\n")
    with pytest.raises(ValueError, match="cells/peak/after must be the name of a cell, got 3"):
        grid_from_file(file)


def test_tables_and_report_say_what_came_after_what(tmp_path: Path) -> None:
    study_plan = plan(tmp_path, LONGER)
    record = Driver(study_plan).run().ledger.record
    assert training_budget(study_plan, {}).endswith(
        "the same for every cell, on top of a first training for 'longer' (after 'plain')"
    )
    assert training_budget(plan(tmp_path), {}).endswith("the same for every cell")
    (second,) = beginnings.section(record)
    assert rows_of(second) == [["1", "longer", "0", "trial 0, plain", "5"]]


def test_a_second_training_cannot_be_replayed_alone(tmp_path: Path) -> None:
    Driver(plan(tmp_path, PEAK)).run().ledger.close()
    request = StudyRequest(replay="fake/1", storage=tmp_path)
    with pytest.raises(ValueError, match="--replay must be a trial that does not start from"):
        replay_plan(request, [])
