"""Which stages a study needs, and what MLflow stores of them."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from search_spaces import SPACES
from study.execution.callbacks.ledger_writer import LedgerWriter, StageWatch
from study.execution.stopping import Faults, Policy, Stop
from study.ledger.events import StageReady, Started
from study.ledger.ledger import Ledger
from study.ledger.study_folder import StudyFolder
from study.planning.runs import check_stages, needed_stages
from study.tracking.runs import stage_run
from tests.study import fake
from trainables.config import TrialConfig, flatten, identity
from trainables.data import DataError, Dataset, ImageList, load
from trainables.lane.trial_spec import TrialSpec
from trainables.stages.registry import ensure, stage_key, stage_names

FEW = {"data/train_images": 3, "data/val_images": 2, "data/test_images": 1}


def test_inverseform_may_need_every_tile_and_distance_once(tmp_path: Path) -> None:
    needed = needed_stages(fake.plan(tmp_path), SPACES["inverseform"])
    configs = [stage.config for stage in needed]
    found = {
        (config.loss.tile, config.loss.distance, config.inverse_net.network) for config in configs
    }
    assert {stage.kind for stage in needed} == {"inverse_net"}
    assert found == set(product((8, 16, 32), ("euclidean", "geodesic"), ("plain",)))
    assert len({stage_key(stage.kind, stage.config, "d") for stage in needed}) == len(needed) == 6


def test_semeda_needs_one_edge_net_whatever_the_lambdas(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, space="semeda", base=TrialConfig())
    assert [stage.kind for stage in needed_stages(plan, SPACES["semeda"])] == ["edge_net"]


def small() -> Dataset:
    return load(TrialConfig().changed({"data/height": 20, "data/width": 64, **FEW}).data)


def test_a_tile_larger_than_the_images_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loss/tile must be at most 20, the images' shorter side"):
        check_stages(fake.plan(tmp_path), SPACES["inverseform"], small())


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("space", ["inverseform", "semeda"])
def test_masks_without_a_boundary_are_refused_before_anything_starts(
    tmp_path: Path, split: str, space: str
) -> None:
    data = small()
    images = data.splits[split]
    flat = ImageList(images.images_NHWC, images.labels_NHW * 0, images.names)
    data = replace(data, splits={**data.splits, split: flat})
    plan = fake.plan(tmp_path, base=TrialConfig().changed({"loss/tile": 16}))
    with pytest.raises(DataError, match=f"dataset shapes: no boundary in the {split} masks"):
        check_stages(plan, SPACES[space], data)


def test_the_ledger_has_each_stage_once_and_knows_whose_it_is(tmp_path: Path) -> None:
    """However many trials need it, however often it is looked up, also after a resume."""
    plan, data = fake.plan(tmp_path), small()
    stages = StudyFolder.of(plan).stages
    ledger = fake.begin(plan)
    mine = TrialConfig().changed({"loss/lambda_2": 1.0, "edge_net/steps": 1, "edge_net/batch": 1})
    theirs = mine.changed({"edge_net/seed": 1})
    for number, config in enumerate((mine, mine, theirs)):
        ledger.append(
            Started(
                trial=number,
                id="i",
                params={},
                config=flatten(config),
                stages=stage_names(config, data.digest),
            )
        )
    watch = StageWatch(ledger, stages)
    watch.look()
    assert ledger.record.stages == []
    ensure("edge_net", theirs, data, stages, "another study")
    for _ in range(2):
        watch.look()
    assert [stage.reused for stage in ledger.record.stages] == [True]
    again = Ledger(ledger.path)
    ensure("edge_net", mine, data, stages, again.record.mark)
    StageWatch(again, stages).look()
    assert [stage.reused for stage in again.record.stages] == [True, False]
    assert again.record.awaited_stages == []
    trained = again.record.stages[1]
    assert (trained.seconds > 0, len(trained.curve)) == (True, 1)
    assert trained.quality


def test_a_resumed_study_of_an_older_digest_names_the_stages_as_its_lanes_do(
    tmp_path: Path,
) -> None:
    """It named them by the ledger's digest, looked for files that never came, and had no event."""
    plan, data = fake.plan(tmp_path), small()
    stages, ledger = StudyFolder.of(plan).stages, fake.begin(plan)
    config = TrialConfig().changed({"loss/lambda_2": 1.0, "edge_net/steps": 1, "edge_net/batch": 1})
    other = config.changed({"edge_net/seed": 1})
    before = stage_names(config, ledger.record.data.digest)
    ledger.append(Started(trial=0, id="i", params={}, config=flatten(config), stages=before))
    watch = StageWatch(ledger, stages, data.digest)
    writer = LedgerWriter(ledger, Faults(Policy(), Stop()), digest=data.digest)
    spec = TrialSpec(number=1, params={}, config=flatten(other))
    writer.on_trial_start(0, [], SimpleNamespace(config=spec.to_tune()))
    started = ledger.record.trials[1]
    assert list(started.stages) == stage_names(other, data.digest)
    assert started.id == identity(other, ledger.record.data.digest)
    for needed in (config, other):
        ensure("edge_net", needed, data, stages, ledger.record.mark)
    for _ in range(2):
        watch.look()
    found = [f"{stage.kind}-{stage.key}" for stage in ledger.record.stages]
    assert sorted(found) == sorted(
        name for needed in (config, other) for name in stage_names(needed, data.digest)
    )


def test_mlflow_gets_a_stage_with_quality_seconds_and_curve(tmp_path: Path) -> None:
    record = fake.begin(fake.plan(tmp_path)).record
    run = stage_run(
        record,
        StageReady(
            kind="edge_net",
            key="k",
            seconds=3.5,
            reused=False,
            quality={"f_clean": 0.99, "f_noisy": None},
            curve=[2.0, 1.0],
        ),
    )
    assert (run.key, run.parent, run.tags["stage"]) == ("stage/edge_net-k", "study", "edge_net-k")
    assert run.ended_ms is not None
    assert run.ended_ms - run.started_ms == 3500
    assert [(point.name, point.value, point.step) for point in [*run.points, *run.late]] == [
        ("loss", 2.0, 1),
        ("loss", 1.0, 2),
        ("seconds", 3.5, 0),
        ("f_clean", 0.99, 0),
    ]
