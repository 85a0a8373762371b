"""The tasks of a request: the maps that follow from them, and objectives that trials have."""

from pathlib import Path

import pytest

from cluster.resources import Node
from search_spaces import GRIDS
from study.commands import options
from study.ledger.plan import Plan
from study.planning.make_plan import plan_from_request
from study.planning.request import StudyRequest

NODE = Node(cpus=2, gpus=0)
SEARCH = ("--space", "inverseform")
GRID = (*SEARCH, "--grid", "tasks")


def planned(tmp_path: Path, *arguments: str) -> Plan:
    request = options.parse_request(["--storage", str(tmp_path), *arguments])
    return plan_from_request(request, [NODE])


def refusal(tmp_path: Path, *arguments: str) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        planned(tmp_path, *arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_maps_follow_from_the_tasks_unless_they_are_given(tmp_path: Path) -> None:
    plan = planned(tmp_path, *SEARCH, "--tasks", "depth,semseg")
    assert (plan.base["task/tasks"], plan.base["data/targets"]) == ("semseg,depth", "depth")
    assert plan.objectives == {"miou": "max"}
    assert plan.config.task.in_words == "semseg 1, depth 1"
    plan = planned(tmp_path, *SEARCH, "--set", "task/tasks=semseg,edge")
    assert plan.base["data/targets"] == "edge"
    more = ("--set", "data/targets=edge,depth,normals")
    assert planned(tmp_path, *SEARCH, "--tasks", "edge", *more).base["data/targets"] == more[1][13:]
    assert planned(tmp_path, *SEARCH).base["data/targets"] == ""


def test_the_first_tasks_metric_is_the_objective_of_a_study_without_segmentation(
    tmp_path: Path,
) -> None:
    assert planned(tmp_path, *SEARCH, "--tasks", "edge,depth").objectives == {"ods_f": "max"}
    both = ("--objective", "depth_rmse,miou", "--confirm", "0")
    several = planned(tmp_path, *SEARCH, "--tasks", "semseg,depth", *both)
    assert several.objectives == {"depth_rmse": "min", "miou": "max"}
    assert several.question.endswith("give the best depth_rmse and miou?")
    assert planned(tmp_path, *SEARCH).question.endswith("give the best segmentation?")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--tasks", "depth,deep"), "--tasks must be different names of semseg,"),
        (("--tasks", "edge,edge"), "--tasks must be different names of semseg,"),
        (("--tasks", "semseg,depth", "--objective", "ods_f"), "the tasks: miou, depth_rmse"),
        (("--tasks", "edge", "--objective", "miou"), "a metric of the tasks: ods_f, got 'miou'"),
        (("--objective", "delta_m"), "--objective must be one of"),
        (
            ("--tasks", "semseg,edge", "--set", "task/tasks=semseg,depth"),
            "task/tasks must be 'semseg,edge' or left out with --tasks semseg,edge, got 'semseg,d",
        ),
        (
            ("--tasks", "semseg,edge", "--set", "task/tasks=semseg,depth"),
            "task/tasks must be 'semseg,edge' or left out with --tasks semseg,edge, got "
            "'semseg,depth'",
        ),
        (
            ("--tasks", "edge", "--set", "eval/edge_thresholds=0"),
            "eval/edge_thresholds must be 1 or more with --objective ods_f",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    assert line in refusal(tmp_path, *SEARCH, *arguments)


def test_a_grid_reads_every_map_that_its_cells_need(tmp_path: Path) -> None:
    plan = planned(tmp_path, *GRID)
    assert plan.base["data/targets"] == "edge,depth,normals"
    names = [cell.name for cell in GRIDS["inverseform"]["tasks"].cells]
    assert [cell.name for cell in plan.design.cells] == names
    assert planned(tmp_path, *GRID, "--objective", "depth_rmse").objective == "depth_rmse"


def test_cells_whose_maps_the_data_lack_are_shown_and_do_not_run(tmp_path: Path) -> None:
    plan = planned(tmp_path, *GRID, "--set", "data/targets=edge")
    needs = {cell.name: cell.needs for cell in plan.grid.cells}
    assert needs["D"] == "depth among data/targets"
    assert needs["S+E, InverseForm"] == ""
    assert needs["S+E+D+N, InverseForm"] == "depth, normals among data/targets"
    folder = planned(tmp_path, *GRID, "--dataset", "camvid", "--data", str(tmp_path))
    assert folder.base["data/targets"] == ""
    assert folder.grid.cell("D").needs == "maps of depth, which camvid does not have"
    assert [cell.name for cell in folder.design.cells] == ["S"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--objective", "parts_miou"), "a metric that a cell and its baseline have (parts"),
        (("--set", "eval/checkpoint=best"), "'E' has no miou, which would choose the best"),
        (
            ("--objective", "depth_rmse", "--seeds", "6..12"),
            "--seeds must be a number: 'S+E, InverseForm' has no depth_rmse to look at",
        ),
        (("--set", "task/tasks=edge"), "--set must leave task/tasks"),
        (("--tasks", "edge"), "--tasks must be left to the cells of the grid tasks, got 'edge'"),
    ],
)
def test_a_grid_of_tasks_refuses_what_its_cells_cannot_have(
    tmp_path: Path, arguments: tuple[str, ...], line: str
) -> None:
    assert line in refusal(tmp_path, *GRID, *arguments)


def test_python_takes_a_list(tmp_path: Path) -> None:
    import study

    plan = study.plan(space="inverseform", tasks=["semseg", "normals"], storage=tmp_path)
    assert plan.base["task/tasks"] == "semseg,normals"
    assert StudyRequest().tasks is None
