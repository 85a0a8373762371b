"""What a plan refuses before it decodes images: other ones in a trial, huge ones."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from search_spaces import SPACES, Cell, Dimension, Grid
from study.planning import runs
from tests.study import fake, fake_grid
from tests.study.commands.test_run import refused
from trainables import plugin
from trainables.config import TrialConfig, Value, image_paths
from trainables.data import DataError, load

SPACE = SPACES["inverseform"]
MINE = """
from optuna.distributions import IntDistribution
from search_spaces import Dimension, Space
SIZE = Dimension(path="data/height", distribution=IntDistribution(16, 64), why="mine")
SPACES = {"sizes": Space(name="sizes", question="?", dimensions=(SIZE,), base={"data/width": 32})}
"""


@pytest.fixture(autouse=True)
def _no_plugin() -> Iterator[None]:
    yield
    plugin.uninstall()


def searched(path: str) -> Dimension:
    return Dimension(path=path, distribution=CategoricalDistribution(["a", "b"]), why="mine")


@pytest.mark.parametrize("path", sorted(image_paths()))
def test_a_search_over_the_images_is_refused(path: str, tmp_path: Path) -> None:
    space = replace(SPACE, dimensions=(*SPACE.dimensions, searched(path)))
    with pytest.raises(ValueError, match=f"{path} must be the same in every trial, got the search"):
        runs.check_images(fake.plan(tmp_path), space)


@pytest.mark.parametrize("path", ["data/flip", "data/crop_height", "data/scale_max", "optim/lr"])
def test_a_search_over_the_augmentation_is_not(path: str, tmp_path: Path) -> None:
    space = replace(SPACE, dimensions=(searched(path),))
    runs.check_images(fake.plan(tmp_path), space)


def test_the_search_of_a_cell_over_the_images_is_refused(tmp_path: Path) -> None:
    size = Dimension(path="data/width", distribution=IntDistribution(8, 64), why="mine")
    cells = (
        Cell(name="plain", changes={}),
        Cell(name="other", changes={"loss/gamma": 1.0}, searched=(size,)),
    )
    grid = Grid(name="g", question="?", source="-", baseline="plain", cells=cells)
    with pytest.raises(ValueError, match=r"data/width must be .*got the search over 8 .. 64"):
        runs.check_images(fake_grid.plan(tmp_path, grid), SPACE)


def test_a_users_space_over_the_size_is_refused_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    options = ["--with", str(tmp_path / "mine.py"), "--space", "sizes", "--set", "data/width=32"]
    words = refused(capsys, tmp_path, *options, "--dry-run")
    assert "data/height must be the same in every trial" in words


@pytest.mark.parametrize(
    "changes",
    [
        {"data/height": 10_000, "data/width": 10_000},
        {"data/crop_height": 10_000, "data/crop_width": 10_000},
        {"data/height": 10_000, "data/width": 10_000, "batch": 1},
    ],
)
def test_images_that_no_memory_holds_are_refused(changes: dict[str, int]) -> None:
    config = TrialConfig().changed(changes)
    with pytest.raises(ValueError, match=r"data/height and data/width must fit into memory") as got:
        runs.check_memory(config, 1, 2**30)
    assert "\n" not in str(got.value)
    runs.check_memory(TrialConfig().changed({"data/height": 1024, "data/width": 2048}), 1, 2**30)


def test_a_huge_size_is_refused_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--set", "data/height=100000", "--set", "data/width=100000"]
    words = refused(capsys, tmp_path, "--space", "region", "--dry-run", *sizes)
    assert "data/height x data/width must be at most 100000000 pixels" in words


def test_images_that_must_stay_in_memory_but_cannot_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = SimpleNamespace(total=2**20, available=2**20)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    changes: dict[str, Value] = {"data/height": 99, "data/width": 201, "data/cache": "on"}
    with pytest.raises(DataError, match=r"data/cache must be off or auto for .* got 'on'"):
        load(TrialConfig().changed(changes).data)
