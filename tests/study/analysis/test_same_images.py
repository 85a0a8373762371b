"""A study that chooses on the images that judge it says so; one that chooses nothing says that."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cluster.resources import Node
from search_spaces import Cell, Grid
from study.analysis import same_images
from study.analysis.protocol import protocol
from study.analysis.results import AblationResults, SearchResults
from study.commands.run import main
from study.ledger.design import Ablation, Search
from study.ledger.plan_json import plan_from_json, plan_to_json
from study.planning.make_plan import plan_from_request
from study.planning.request import StudyRequest
from study.reporting.terminal import plan_and_result
from tests.study import fake, fake_grid, reports
from tests.trainables.data.listed_layouts import MAKE
from trainables.config import TrialConfig, flatten

BASE = flatten(TrialConfig())
BEST = {"eval/checkpoint": "best"}
GRID = fake_grid.GRID
WARNED = "hosen and measured on the same images"


def rerun(name: str) -> Grid:
    cell = Cell(name="winner", changes={}) if name == "winner" else GRID.cells[0]
    return replace(GRID, name=name, baseline=cell.name, cells=(cell,))


@pytest.mark.parametrize(
    ("design", "base", "expected"),
    [
        (Search(trials=2), BASE, ["the winner"]),
        (Ablation(grid=GRID, seeds=(0,)), BASE, []),
        (Ablation(grid=GRID, seeds=(0,)), {**BASE, **BEST}, ["the epoch of each network"]),
        (
            Ablation(grid=GRID, seeds=(0,)),
            {**BASE, "eval/both_checkpoints": True},
            ["the epoch of each network beside the verdict"],
        ),
        (
            Ablation(grid=GRID, seeds=(0,), search_trials=3),
            {**BASE, **BEST},
            ["what each cell's search decides", "the epoch of each network"],
        ),
        (Ablation(grid=rerun("winner"), seeds=(1,)), BASE, ["the winner, by its search"]),
        (Ablation(grid=rerun("control"), seeds=(1,)), BASE, ["each loss, by earlier searches"]),
    ],
)
def test_what_a_study_chooses(
    design: Search | Ablation, base: dict[str, bool | int | float | str], expected: list[str]
) -> None:
    assert same_images.chosen(design, base) == expected


def test_a_cell_that_keeps_the_best_epoch_chooses(tmp_path: Path) -> None:
    cells = (GRID.cells[0], Cell(name="best", changes=dict(BEST)))
    design = Ablation(grid=replace(GRID, cells=cells), seeds=(0,))
    assert same_images.chosen(design, BASE) == ["the epoch of each network"]


def test_every_case_has_its_words(tmp_path: Path) -> None:
    search, grid = fake.plan(tmp_path), fake_grid.plan(tmp_path)
    assert same_images.cautions(search, {}, {"test": 9}) == []
    (line,) = same_images.cautions(search, {"val": 9}, {"test": 9})
    assert line.startswith(
        "chosen and measured on the same images: all 9 images of the test list chose the winner"
    )
    (line,) = same_images.cautions(search, {"val": 2}, {"test": 9})
    assert "2 of the 9 images of the test list chose the winner" in line
    (line,) = same_images.cautions(grid, {"val": 9}, {"test": 9})
    assert "nothing is chosen on them" in line
    (line,) = same_images.cautions(grid, {"train": 1}, {"test": 1})
    assert line.startswith("trained and measured on the same images: the only image of the test")


@pytest.fixture
def _same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "DATA", replace(fake.DATA, shared={"val": 1}))


@pytest.mark.usefixtures("_same")
def test_table_report_and_terminal_of_a_search_say_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = fake.plan(tmp_path)
    record = fake.ended_study(plan).record
    assert record.data.shared == {"val": 1}
    assert f"**C{WARNED}: the only image" in reports.markdown(record, tmp_path / "fake")
    results = SearchResults(record)
    plan_and_result.print_result(Console(width=300), plan, results, {}, {})
    assert f"caution c{WARNED}: the only image" in capsys.readouterr().out


@pytest.mark.usefixtures("_same")
def test_table_and_report_of_a_grid_say_whether_it_chose(tmp_path: Path) -> None:
    for base, words in (
        ({}, "Validation and test have the same images, and nothing is chosen on them"),
        (BEST, f"C{WARNED}"),
    ):
        folder = tmp_path / str(len(base))
        plan = fake_grid.plan(folder, base=TrialConfig().changed({"epochs": 4, **base}))
        results = AblationResults(fake_grid.ended_study(plan).record)
        assert words in protocol(results.record, results.tables[0])
        assert words in reports.markdown(results.record, folder / "fake")


def planned(**options: object) -> int:
    request = StudyRequest(**options)  # type: ignore[arg-type]
    holdout = plan_from_request(request, [Node(cpus=4, gpus=0)]).base["data/holdout"]
    assert isinstance(holdout, int)
    return holdout


def test_all_images_train_where_nothing_is_chosen() -> None:
    assert planned(space="semeda") == -1
    assert planned(space="semeda", grid="table1") == 0
    assert planned(space="semeda", grid="table1", changes=["eval/checkpoint=best"]) == -1
    assert planned(space="semeda", grid="table1", changes=["data/holdout=5"]) == 5
    assert planned(space="all_losses", trials=2) == -1
    assert planned(space="all_losses", trials=0) == 0
    assert planned(space="semeda", changes=["data/holdout=0"]) == 0


def test_an_older_ledger_keeps_its_lists(tmp_path: Path) -> None:
    line = plan_to_json(fake.plan(tmp_path))
    old = {path: value for path, value in fake.plan(tmp_path).base.items() if "holdout" not in path}
    for recorded, expected in (({}, 0), ({"data/holdout": 0}, 0), ({"data/holdout": 7}, 7)):
        data = plan_from_json({**line, "base": {**old, **recorded}}).config.data
        assert data.holdout == expected
        assert data.holdout == 0 or data.holdout_by == "image"
    assert plan_from_json(line).config.data.holdout == -1


def test_the_plan_and_check_data_say_which_images_choose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    MAKE["folder"](root)
    command = ["--dry-run", "--space", "active_boundary", "--storage", str(tmp_path / "runs")]
    command += ["--dataset", "folder", "--data", str(root)]
    command += ["--set", "data/height=16", "--set", "data/width=16"]  # a step of training is tried
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "14 train, 1 val, 5 test" in shown
    assert "on the training images held out, one of 10 after the last epoch" in shown
    assert WARNED not in shown
    assert main([*command, "--set", "data/holdout=0"]) == 0
    shown = capsys.readouterr().out
    assert "15 train, 5 val and test" in shown
    assert f"caution c{WARNED}: all 5 images of the test list chose the winner" in shown
    assert main(["--check-data", "folder", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "chosen on: training images held out, one of 10: 1 image\n" in shown
    assert "measured on: validation list (there is no test list): 5 images\n" in shown
