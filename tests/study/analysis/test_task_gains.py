"""Delta_m of a grid's cells over the networks of one task each, worked out by hand."""

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from search_spaces import Cell, Grid
from study.analysis import cell_values, tables
from study.analysis.grid_tasks import singles_of, tasks_of
from study.analysis.results import AblationResults
from study.analysis.statistics import bca_interval
from study.ledger.ledger import Ledger
from study.reporting import table_files
from study.reporting.document import Sheet
from study.reporting.sections import task_gains
from study.reporting.terminal import grid
from study.tracking import cells
from tests.study import fake_grid, fake_tasks

INVERSEFORM = "S+E+D+N, InverseForm"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    plan = fake_tasks.plan(tmp_path_factory.mktemp("tasks"), correction="max_t")
    return fake_tasks.ended(plan)


@pytest.fixture(scope="module")
def results(ledger: Ledger) -> AblationResults:
    return AblationResults(ledger.record)


def test_delta_m_is_the_mean_gain_over_the_same_seeds_single_tasks(
    results: AblationResults,
) -> None:
    """Edges and segmentation 1/8 better; of four tasks two gain a quarter and two lose it."""
    found = {gain.cell: gain for gain in results.task_gains}

    assert list(found) == ["S+E", "S+E, InverseForm", "S+E+D+N", INVERSEFORM]
    assert found["S+E, InverseForm"].singles == {"semseg": "S", "edge": "E"}
    assert found["S+E, InverseForm"].comparison.mean == pytest.approx(0.125)
    assert found["S+E, InverseForm"].comparison.n == 6
    assert found["S+E, InverseForm"].comparison.verdict == "better"
    assert found[INVERSEFORM].by_task == pytest.approx(
        {"semseg": 0.25, "edge": 0.25, "depth": -0.25, "normals": -0.25}
    )
    assert found[INVERSEFORM].comparison.mean == pytest.approx(0)
    assert found["S+E"].comparison.mean == 0


def test_a_seed_that_one_single_task_lacks_is_no_pair(tmp_path: Path) -> None:
    ledger = fake_tasks.ended(fake_tasks.plan(tmp_path, seeds=(0, 1)))
    lost = next(t for t in ledger.record.trials.values() if (t.cell, t.seed) == ("D", 1))
    lost.state = "failed"

    values = cell_values.values_by_cell(ledger.record, "delta_m")

    assert list(values["S+E+D+N"]) == [0]
    assert list(values["S+E"]) == [0, 1]


def test_the_gains_of_the_tasks_are_over_the_seeds_of_delta_m(tmp_path: Path) -> None:
    """A baseline of 0 has no relative gain, so its seed is in neither."""
    ledger = fake_tasks.ended(fake_tasks.plan(tmp_path, seeds=(0, 1)))
    zero = next(t for t in ledger.record.trials.values() if (t.cell, t.seed) == ("D", 1))
    assert zero.tested is not None
    zero.tested = {**zero.tested, "test_depth_rmse": 0.0}

    gains = cell_values.gains_by_task(ledger.record, "S+E+D+N")

    assert list(cell_values.values_by_cell(ledger.record, "delta_m")["S+E+D+N"]) == [0]
    assert {task: list(by_unit) for task, by_unit in gains.items()} == {task: [0] for task in gains}


def test_a_cell_without_the_objectives_task_is_shown_and_not_ranked(
    results: AblationResults,
) -> None:
    assert results.verdicts["D"] == tables.OTHER_TASK
    assert results.champion is not None
    assert results.champion.cell == INVERSEFORM
    assert all(trial.cell not in ("E", "D", "N") for trial in results.ranking)
    depth = next(table for table in results.tables if table.metric == "depth_rmse")
    assert depth.row("D").mean == pytest.approx(2 * (1 + 2.5 / 64))
    assert depth.row("S").lacks
    assert depth.row("S").unmeasured == 0
    assert depth.baselines == ["D", "S+E+D+N"]
    assert results.tables[0].baselines == ["S", "S+E", "S+E+D+N"]
    assert not results.unchanged


def test_the_section_the_terminal_mlflow_and_the_files_have_it(results: AblationResults) -> None:
    (section,) = task_gains.section(results)
    sheet = section.blocks[0]  # type: ignore[union-attr]
    assert isinstance(sheet, Sheet)
    row = dict(zip(sheet.head, sheet.rows[-1], strict=True))
    assert (row["cell"], row["depth %"], row["semseg %"]) == (INVERSEFORM, "-25.00", "+25.00")
    assert "nan" not in str(sheet)
    console = Console(width=200, record=True, file=io.StringIO())
    grid.print_result(console, results, {})
    assert "Gain over single tasks" in console.export_text()
    run = next(run for run in cells.judged(results) if run.key.endswith(INVERSEFORM))
    logged = {point.name: point.value for point in run.late}
    assert logged["gain_edge"] == pytest.approx(0.25)
    assert logged["test_delta_m"] == pytest.approx(0)
    lines = list(csv.DictReader(io.StringIO(table_files.comma_separated(results))))
    written = {line["cell"]: line for line in lines if line["metric"] == "delta_m"}
    assert float(written["S+E, InverseForm"]["mean"]) == pytest.approx(0.125)
    assert written["E"]["verdict"] == tables.OTHER_TASK


def test_a_grid_without_single_tasks_has_no_delta_m(tmp_path: Path) -> None:
    plain = AblationResults(fake_grid.ended_study(fake_grid.plan(tmp_path)).record)

    assert plain.task_gains == ()
    assert task_gains.section(plain) == []
    assert all(table.metric != "delta_m" for table in plain.tables)


def test_the_single_task_cell_is_the_plain_one_of_several() -> None:
    edge = {"task/tasks": "edge"}
    cells = (
        Cell(name="S", changes={"task/tasks": "semseg"}),
        Cell(name="E lovasz", changes={**edge, "loss/lovasz": 1.0}),
        Cell(name="E gamma", changes={**edge, "loss/gamma": 0.3}),
        Cell(name="E", changes=edge),
        Cell(name="both", changes={"task/tasks": "semseg,edge", "loss/gamma": 0.3}),
    )
    whole = Grid(name="g", question="?", source="s", baseline="S", cells=cells)
    without = replace(whole, cells=(*cells[:3], cells[4]))
    longer = replace(cells[2], changes={**edge, "epochs": 9})
    other = replace(whole, cells=(*cells[:2], longer, cells[4]))

    assert tasks_of(cells[4], {}) == ("semseg", "edge")
    assert tasks_of(Cell(name="old", changes={}), {}) == ("semseg",)
    assert singles_of(cells[4], whole, {}) == {"semseg": "S", "edge": "E"}
    assert singles_of(cells[4], without, {}) == {"semseg": "S", "edge": "E gamma"}
    assert singles_of(cells[4], other, {}) == {}
    assert singles_of(cells[0], whole, {}) == {}


def test_an_interval_of_values_that_differ_by_rounding_is_a_number() -> None:
    found = bca_interval([0.125, 0.125 + 1e-17, 0.125 - 3e-17, 0.12500000000000003])

    assert found is not None
    assert not any(map(math.isnan, found))
    assert found == pytest.approx((0.125, 0.125))
