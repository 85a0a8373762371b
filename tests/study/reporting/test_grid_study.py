"""A grid from plan to ledger: every cell on the same seeds, each pair once, resumable."""

import json
from pathlib import Path

import pytest
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from search_spaces import SPACES, Cell, Grid
from study.analysis.results import SearchResults
from study.execution.callbacks.ledger_writer import LedgerWriter
from study.execution.phases import phases
from study.execution.stopping import Faults, Policy, Stop
from study.ledger import chain
from study.ledger.events import ImagesResampled, Started, Tested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.planning import grids
from study.planning.runs import check_images, check_stages, grid_runs, needed_stages
from study.reporting.terminal.event_lines import event_line
from study.reporting.values import parameters
from study.search.grid_search import GridSearch
from study.search.planned_search import PlannedSearch
from tests.study import fake, fake_grid
from trainables.config import TrialConfig, Value
from trainables.data import load
from trainables.lane.trial_spec import TrialSpec
from trainables.training import retention


def handed_out(search: PlannedSearch) -> list[TrialSpec]:
    found: list[TrialSpec] = []
    while isinstance(config := search.suggest(f"t{len(found)}"), dict):
        found.append(TrialSpec.from_tune(config))
    assert config == Searcher.FINISHED
    return found


def test_every_cell_that_can_run_is_planned_on_the_same_seeds(tmp_path: Path) -> None:
    runs = grid_runs(fake_grid.plan(tmp_path))
    assert [run.number for run in runs] == list(range(12))
    assert {(run.cell, run.seed) for run in runs} == {
        (cell, seed) for cell in ("plain", "good") for seed in fake_grid.SEEDS
    }
    assert [run.seed for run in runs[:4]] == [0, 0, 1, 1]  # complete pairs first
    good = next(run for run in runs if run.cell == "good" and run.seed == 3)
    plain = next(run for run in runs if run.cell == "plain" and run.seed == 3)
    differ = {path for path in good.config if good.config[path] != plain.config[path]}
    assert differ == {"loss/lovasz"}
    assert (good.config["seed"], good.params) == (3, {"loss/lovasz": 1.0})


def test_a_resumed_grid_hands_out_what_is_left_and_nothing_twice(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    runs = grid_runs(plan)
    ledger = fake.begin(plan)
    for run in runs[:3]:
        fake_grid.complete(ledger, run)
    fake_grid.fail(ledger, runs[3], "diverged")
    fake_grid.start(ledger, runs[5])
    opened = Ledger(StudyFolder.of(plan).ledger)
    waiting = [InterruptedTrial(5, {}, "/a/ckpt")]
    (search,) = phases(plan, fake.SPACE, opened, waiting, lambda trial: None)
    assert isinstance(search, GridSearch)
    found = handed_out(search)
    assert [spec.number for spec in found] == [5, 4, *range(6, 12)]
    assert [spec.resume_from for spec in found] == ["/a/ckpt"] + [""] * 7
    assert found[0].config == runs[5].config
    assert (found[1].cell, found[1].seed) == (runs[4].cell, runs[4].seed)


def test_the_ledger_holds_cell_seed_and_the_complete_grid(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    ledger = fake.begin(plan)
    run = grid_runs(plan)[3]
    writer = LedgerWriter(ledger, Faults(Policy(), Stop()))
    writer.on_trial_start(0, [], Trial("trainable", config=run.to_tune(), stub=True))
    opened = Ledger(StudyFolder.of(plan).ledger).record
    assert (opened.trials[3].cell, opened.trials[3].seed) == ("good", 1)
    assert opened.plan == fake.as_in_ledger(plan)
    assert opened.plan.question == "Is it real?"
    assert parameters(opened.trials[3]) == "good, seed 1"
    started = Started(trial=3, id="", params={}, config={})
    assert event_line(started, opened) == "trial 3: good, seed 1"


def test_a_ledger_of_a_search_holds_no_grid(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    assert '"grid":' not in ledger.path.read_text()
    best = SearchResults(ledger.record).front[0].number
    ledger.append(Tested(trial=best, metrics={"test_miou": 0.5}))
    record = StudyFolder.of(plan).load()
    winner = SearchResults(record).best
    assert winner is not None
    assert (winner.number, winner.tested) == (best, {"test_miou": 0.5})
    assert (record.trials[2].cell, record.trials[2].seed) == ("", 0)
    assert record.plan == fake.as_in_ledger(plan)


def test_a_grid_with_no_interval_over_images_and_one_of_an_older_form_are_read(
    tmp_path: Path,
) -> None:
    """One cell alone is compared with nothing; the first ledgers held one metric."""
    ledger = fake_grid.ended_study(fake_grid.plan(tmp_path))
    ledger.append(ImagesResampled(metrics={}))
    assert ledger.record.images == {}
    line = {"event": "images", "time": 1.0, "metric": "miou", "cells": {"a": [0.0, 1.0]}}
    *_, last = ledger.path.read_text().splitlines()
    with ledger.path.open("ab") as file:
        linked, _ = chain.link(json.dumps(line).encode(), json.loads(last)["chain"])
        file.write(linked + b"\n")
    assert Ledger(ledger.path).record.images == {"miou": {"a": [0.0, 1.0]}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss/no_such": 1.0}, "the config field loss/no_such"),
        ({"loss/lambda_1": 1.0, "loss/edge": "multi_task"}, ""),
    ],
)
def test_a_cell_names_what_it_lacks(changes: dict[str, Value], words: str) -> None:
    lacks = grids.missing(Cell(name="c", changes=changes), TrialConfig())
    assert words in lacks
    assert bool(lacks) == bool(words)


def test_cells_share_a_stage_and_every_one_that_is_needed_is_listed(tmp_path: Path) -> None:
    levels = {str(tile): {"loss/gamma": 0.3, "loss/tile": tile} for tile in (16, 32)}
    cells = [Cell(name="plain", changes={})]
    cells += [Cell(name=name, changes=level) for name, level in levels.items()]
    cells += [Cell(name="more", changes={"loss/gamma": 0.5, "loss/tile": 16})]
    grid = Grid(name="g", question="?", source="-", baseline="plain", cells=tuple(cells))
    plan = fake_grid.plan(tmp_path, grid)
    found = needed_stages(plan, SPACES[plan.space])
    assert sorted(stage.config.loss.tile for stage in found) == [16, 32]
    assert {stage.kind for stage in found} == {"inverse_net"}
    data = load(
        TrialConfig().changed({"data/height": 16, "data/width": 64, "data/train_images": 2}).data
    )
    with pytest.raises(ValueError, match="loss/tile must be at most 16"):
        check_stages(plan, SPACES[plan.space], data)


def test_a_cell_with_other_images_is_refused(tmp_path: Path) -> None:
    def plan(changes: dict[str, Value]) -> Plan:
        cells = (Cell(name="plain", changes={}), Cell(name="other", changes=changes))
        grid = Grid(name="g", question="?", source="-", baseline="plain", cells=cells)
        return fake_grid.plan(tmp_path, grid)

    check_images(plan({"data/scale_max": 2.0}), SPACES["inverseform"])
    with pytest.raises(ValueError, match="data/height must be the same in every cell"):
        check_images(plan({"data/height": 24, "data/width": 24}), SPACES["inverseform"])


def test_the_last_two_checkpoints_of_a_trial_are_kept(tmp_path: Path) -> None:
    for name in ("checkpoint_000000", "checkpoint_000001", "checkpoint_000002", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.pt").write_bytes(b"x")
    retention.keep(tmp_path, 2)
    expected = {"checkpoint_000001", "checkpoint_000002", "other"}
    assert {path.name for path in tmp_path.glob("*")} == expected
