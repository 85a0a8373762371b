"""A study evaluates all its trials in one way, and trains on images that form batches."""

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from search_spaces import SPACES, Cell, Dimension, Grid
from study.planning.evaluation_checks import check_evaluation, check_sizes
from tests.study import fake, fake_grid
from tests.study.commands.test_run import refused
from tests.trainables.data.test_sizes import write
from trainables.config import DataConfig, TrialConfig, Value
from trainables.data import Dataset, load

SPACE = SPACES["inverseform"]


def grid(**changes: Value) -> Grid:
    cells = (Cell(name="plain", changes={}), Cell(name="other", changes=changes))
    return Grid(name="g", question="?", source="-", baseline="plain", cells=cells)


def test_cells_that_are_evaluated_in_another_way_are_refused(tmp_path: Path) -> None:
    check_evaluation(fake_grid.plan(tmp_path, grid(**{"loss/gamma": 1.0})), SPACE)
    with pytest.raises(ValueError, match=r"eval/flip must be .* here False, got True in 'other'"):
        check_evaluation(fake_grid.plan(tmp_path, grid(**{"eval/flip": True})), SPACE)


def test_a_search_over_the_evaluation_is_refused(tmp_path: Path) -> None:
    scales = Dimension(
        path="eval/scales", distribution=CategoricalDistribution(["1", "2"]), why="mine"
    )
    space = replace(SPACE, dimensions=(*SPACE.dimensions, scales))
    check_evaluation(fake.plan(tmp_path), SPACE)
    with pytest.raises(ValueError, match=r"eval/scales must be the same in every trial"):
        check_evaluation(fake.plan(tmp_path), space)


def differing(folder: Path) -> Dataset:
    return load(DataConfig(dataset="folder", root=str(write(folder))))


def test_images_of_differing_sizes_need_crops_in_every_cell(tmp_path: Path) -> None:
    dataset = differing(tmp_path)
    crops: dict[str, Value] = {"data/crop_height": 8, "data/crop_width": 8}
    base = TrialConfig().changed(crops)
    other = fake_grid.plan(tmp_path, grid(**{"loss/gamma": 1.0}), base=base)
    check_sizes(other, SPACE, dataset)
    plan = fake_grid.plan(tmp_path, grid(**{"data/crop_width": 0}), base=base)
    with pytest.raises(ValueError, match=r"data/crop_width must be given .*; got 8 and 0"):
        check_sizes(plan, SPACE, dataset)


def test_a_search_may_choose_the_crops(tmp_path: Path) -> None:
    dataset = differing(tmp_path)
    with pytest.raises(ValueError, match="data/crop_height and data/crop_width must be given"):
        check_sizes(fake.plan(tmp_path), SPACE, dataset)
    sides = tuple(
        Dimension(path=f"data/crop_{side}", distribution=IntDistribution(8, 16), why="mine")
        for side in ("height", "width")
    )
    check_sizes(fake.plan(tmp_path), replace(SPACE, dimensions=sides), dataset)


def test_the_command_refuses_it_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--space", "region", "--dataset", "folder", "--data", str(write(tmp_path))]
    words = refused(capsys, tmp_path, *options, "--set", "data/holdout=0", "--dry-run")
    assert "differing sizes, 12..30 rows and 9..31 columns; got 0 and 0" in words
