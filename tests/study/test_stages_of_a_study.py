"""Which stages a study needs, and how MLflow is told of them."""

from pathlib import Path

import pytest

from search_spaces import SPACES
from study.grid_plan import check_tiles
from study.mlflow_runs import stage_run
from study.plan import stage_configs
from tests.study import fake
from trainables.config import TrialConfig
from trainables.stages import stage_key


def test_inverseform_needs_every_tile_and_distance_once(tmp_path: Path) -> None:
    needed = stage_configs(fake.plan(tmp_path), SPACES["inverseform"])
    found = {(stage.config.loss.tile, stage.config.loss.distance) for stage in needed}
    assert {stage.kind for stage in needed} == {"inverse_net"}
    assert found == {(tile, name) for tile in (16, 32) for name in ("euclidean", "geodesic")}
    assert len({stage_key(stage.kind, stage.config, "d") for stage in needed}) == len(needed) == 4


def test_semeda_needs_one_edge_net_whatever_the_lambdas(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, space="semeda", base=TrialConfig())
    assert [stage.kind for stage in stage_configs(plan, SPACES["semeda"])] == ["edge_net"]


def test_a_tile_larger_than_the_images_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loss/tile must be at most 20, the images' shorter side"):
        check_tiles(fake.plan(tmp_path), SPACES["inverseform"], (20, 64))


def test_mlflow_gets_a_stage_with_quality_seconds_and_curve(tmp_path: Path) -> None:
    record = fake.begin(fake.plan(tmp_path)).record
    run = stage_run(record, {
        "kind": "edge_net", "key": "k", "seconds": 3.5, "reused": False,
        "quality": {"f_clean": 0.99, "f_noisy": None}, "curve": [2.0, 1.0],
    })  # fmt: skip
    assert (run.key, run.parent, run.tags["stage"]) == ("stage/edge_net-k", "study", "edge_net-k")
    assert run.ended_ms is not None
    assert run.ended_ms - run.started_ms == 3500
    assert [(point.name, point.value, point.step) for point in [*run.points, *run.late]] == [
        ("loss", 2.0, 1), ("loss", 1.0, 2), ("seconds", 3.5, 0), ("f_clean", 0.99, 0),
    ]  # fmt: skip
