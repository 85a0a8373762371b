"""Which stages a study needs, and how MLflow is told of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from search_spaces import SPACES
from study.grid_plan import check_tiles
from study.plan import stage_configs
from study.stage_runs import write_stages
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


class Client:
    """What is used of MLflow's client, kept in lists."""

    def __init__(self) -> None:
        self.runs: list[Any] = []
        self.metrics: list[tuple[str, str, float, int | None]] = []

    def search_runs(self, experiments: list[str], where: str, max_results: int) -> list[Any]:
        return self.runs

    def create_run(self, experiment: str, tags: dict[str, str]) -> Any:
        name = f"run-{len(self.runs)}"
        run = SimpleNamespace(info=SimpleNamespace(run_id=name), data=SimpleNamespace(tags=tags))
        self.runs.append(run)
        return run

    def log_metric(self, run: str, name: str, value: float, step: int | None = None) -> None:
        self.metrics.append((run, name, value, step))

    def set_terminated(self, run: str) -> None:
        pass


def test_mlflow_gets_each_stage_once_with_quality_seconds_and_curve() -> None:
    client = Client()
    stage = {"kind": "edge_net", "key": "k", "seconds": 3.5, "reused": False,
             "quality": {"f_clean": 0.99, "f_noisy": None}, "curve": [2.0, 1.0]}  # fmt: skip
    for _ in range(2):
        write_stages(client, "1", "parent", "study", [stage])
    assert len(client.runs) == 1
    tags = client.runs[0].data.tags
    assert (tags["stage"], tags["mlflow.parentRunId"]) == ("edge_net-k", "parent")
    assert "study" not in tags  # that tag marks the study's own run
    assert client.metrics == [
        ("run-0", "seconds", 3.5, None), ("run-0", "f_clean", 0.99, None),
        ("run-0", "loss", 2.0, 1), ("run-0", "loss", 1.0, 2),
    ]  # fmt: skip
