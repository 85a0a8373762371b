"""A study that refines by SegFix: its stage is planned, forecast, and recorded after the tests."""

from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import SPACES, Cell
from study.analysis import refinements, tables
from study.analysis.health import findings
from study.analysis.results import results_of
from study.execution.callbacks.ledger_writer import StageWatch
from study.ledger.events import Tested
from study.planning.forecast import SEGFIX_PIXEL_S, stage_seconds, stages_to_train
from study.planning.runs import needed_stages
from study.reporting.terminal.event_lines import event_line
from tests.study.search.grid_driver import Driver, plan
from trainables.config import TrialConfig, flatten, from_flat
from trainables.saved import Saved
from trainables.stages import registry
from trainables.stages.files import SavedStage, StageFile, StageRecord

REFINED = Cell(name="refined", changes={"refine/method": "segfix"})
TWICE = Cell(name="twice", changes={"refine/method": "segfix", "segfix/passes": 2})
SPACE = SPACES["active_boundary"]


def test_the_plan_counts_one_stage_for_all_that_share_it(tmp_path: Path) -> None:
    study = plan(tmp_path, REFINED, TWICE)
    [stage] = needed_stages(study, SPACE)
    assert stage.kind == "segfix"
    fields = stage.config.segfix
    seconds = fields.steps * fields.batch * fields.crop**2 * SEGFIX_PIXEL_S["fpn"]
    assert stage_seconds("segfix", stage.config) == pytest.approx(seconds)
    most, expected = stages_to_train(study, SPACE, "d" * 16, 3)
    assert (most, expected) == (1, study.lanes * stage_seconds("segfix", stage.config))
    larger = stage.config.changed({"segfix/network": "hrnet_w48"})
    assert stage_seconds("segfix", larger) > 10 * seconds


def test_a_study_that_refines_every_cell_plans_one_too(tmp_path: Path) -> None:
    study = plan(tmp_path, Cell(name="ours", changes={"loss/w_a": 1.0}))
    assert needed_stages(study, SPACE) == []
    refined = replace(study, base={**study.base, "refine/method": "segfix"})
    assert [stage.kind for stage in needed_stages(refined, SPACE)] == ["segfix"]


def test_no_trial_waits_for_what_its_test_trains(tmp_path: Path) -> None:
    driver = Driver(plan(tmp_path, REFINED, TWICE))
    lines = list[str]()
    driver.ledger.listeners.append(lambda e: lines.append(event_line(e, driver.ledger.record)))
    driver.run()
    assert not [line for line in lines if "waiting" in line]
    record = driver.ledger.record
    digest = record.data.digest
    [name] = registry.stage_names(from_flat(record.trials[1].config), digest)
    assert [record.trials[number].stages for number in (0, 1, 2)] == [(), (name,), (name,)]
    assert record.awaited_stages == [name]
    watch = StageWatch(driver.ledger, driver.folder.stages, digest)
    watch.look()
    assert record.stages == []
    kind, _, key = name.partition("-")
    found = {"boundary_iou": 0.5, "direction_accuracy": 0.25}
    made = StageRecord(kind, key, record.mark, 2.0, found, [1.0])
    StageFile(driver.folder.stages, kind, key).path.parent.mkdir(parents=True, exist_ok=True)
    StageFile(driver.folder.stages, kind, key).write(SavedStage(made, 3, {}))
    watch.look()
    [ready] = record.stages
    assert (ready.kind, ready.key, ready.reused) == ("segfix", key, False)
    assert (ready.quality, record.awaited_stages) == (found, [])
    words = "IoU of pixels near a boundary 50.0%, right directions 25.0%"
    assert lines[-1] == f"stage {name.replace('-', ' ')} trained in 2 s: {words}"
    assert words in findings(results_of(record), {})[-1].seen
    good = replace(ready, quality={"boundary_iou": 0.5, "direction_accuracy": 0.75})
    record.stages[0] = good
    assert not [each for each in findings(results_of(record), {}) if "SegFix" in each.seen]


def test_a_saved_network_has_it_as_a_stage() -> None:
    files = {"segfix-0123abcd.pt": b"1", "edge_net-0123abcd.pt": b"2", "segfix.yaml": b"3"}
    stages = Saved(TrialConfig(), ["a", "b"], files).stages
    assert stages.keys() == {"segfix-0123abcd.pt", "edge_net-0123abcd.pt"}


def test_settings_tell_one_segfix_from_another() -> None:
    config = flatten(TrialConfig().changed(TWICE.changes))
    words = "network fpn, directions 8, scale 2, passes 2, variant paper"
    assert refinements.settings(config) == words


def test_a_refinement_changes_something_if_the_test_does(tmp_path: Path) -> None:
    """Validation is that of the network alone, equal in both cells."""
    driver = Driver(plan(tmp_path, REFINED)).run()
    record = driver.ledger.record
    assert tables.unchanged(record) == []  # not known before the test
    driver.ledger.append(Tested(trial=0, metrics={"test_miou": 0.5}))
    assert tables.unchanged(record) == []
    driver.ledger.append(Tested(trial=1, metrics={"test_miou": 0.5}))
    assert tables.unchanged(record) == ["refined"]
    driver.ledger.append(Tested(trial=1, metrics={"test_miou": 0.6}))
    assert tables.unchanged(record) == []
