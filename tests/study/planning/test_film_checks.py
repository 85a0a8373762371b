"""What is refused before a study of films, on each list of each fold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_spaces import GRIDS, SPACES, Cell, Grid
from search_spaces.tables.active_boundary_video import VIDEO
from study.ledger.design import Ablation
from study.ledger.plan import Plan
from study.planning.evaluation_checks import check_films, check_sizes
from study.planning.grids import checked_grid
from study.planning.request import StudyRequest
from tests.study import fake_grid
from trainables.config import DataConfig, ModelConfig, TrialConfig
from trainables.data import Dataset, load

SPACE = SPACES["active_boundary"]
DATA = DataConfig(dataset="moving_shapes", height=8, width=8, clip=3)
GRID = Grid(
    name="g",
    question="?",
    source="-",
    baseline="plain",
    cells=(Cell(name="plain", changes={}), Cell(name="other", changes={"loss/lovasz": 1.0})),
)


def plan_of(tmp_path: Path, data: DataConfig, folds: int = 0) -> Plan:
    base = TrialConfig(data=data, model=ModelConfig(network="stm_small"))
    plan = fake_grid.plan(tmp_path, GRID, base=base, objectives={"davis_jf": "max"})
    assert isinstance(plan.design, Ablation)
    return replace(plan, design=replace(plan.design, folds=folds))


def without_object_in_the_last_fold(data: DataConfig) -> tuple[Dataset, str]:
    """Films of which one, that only the last fold tests, begins without its object; its name."""
    dataset = load(data)
    assert dataset.pool is not None
    place = dataset.folds[-1]["test"][0]
    labels_NHW = np.array([dataset.pool.labels_NHW[row] for row in range(len(dataset.pool))])
    labels_NHW[place] = 0
    pool = replace(dataset.pool, labels_NHW=labels_NHW)
    return replace(dataset, pool=pool), pool.names[place]


def test_a_film_that_any_fold_tests_begins_with_its_object(tmp_path: Path) -> None:
    data = replace(DATA, folds=5, fold=1)
    plan = plan_of(tmp_path, data, folds=5)
    check_sizes(plan, SPACE, load(data))
    faulty, name = without_object_in_the_last_fold(data)
    with pytest.raises(ValueError, match=f"{name}: no object in the first frame"):
        check_sizes(plan, SPACE, faulty)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_metric_of_films_needs_a_frame_between_the_first_and_the_last_one(
    tmp_path: Path, split: str
) -> None:
    plan, dataset = plan_of(tmp_path, DATA), load(DATA)
    three, two = (of_first(dataset, split, count) for count in (15, 2))
    check_films(plan, three)
    with pytest.raises(ValueError, match=f"films of 3 or more frames in {split} .longest: 2"):
        check_films(plan, two)


def of_first(dataset: Dataset, split: str, count: int) -> Dataset:
    """With the first images of a list alone."""
    return replace(dataset, splits=dataset.splits | {split: dataset.splits[split].first(count)})


@pytest.mark.parametrize("name", ["table7", "video"])
def test_a_grid_of_films_needs_a_network_that_follows(name: str) -> None:
    grid = GRIDS["active_boundary"][name]
    with pytest.raises(ValueError, match=f"--grid {name} must be with --dataset moving_shapes"):
        checked_grid(StudyRequest(), grid, TrialConfig())
    follower = TrialConfig().changed({"model/network": "stm_small", "data/clip": 3})
    assert checked_grid(StudyRequest(), VIDEO, follower).baseline == VIDEO.baseline
