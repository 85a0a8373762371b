"""The ablation table, against figures worked out by hand from effects that are exact."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from search_spaces import Cell, Setup
from study.analysis import cell_values, tables
from study.analysis.results import AblationResults
from study.analysis.statistics import coverage_note
from study.ledger.events import Tested
from study.ledger.ledger import Ledger
from study.ledger.record import StudyRecord
from study.planning.runs import grid_runs
from study.reporting import document, table_files
from study.reporting.document import Prose, Sheet
from study.reporting.sections import ablation_table, verdicts
from study.reporting.terminal import grid
from study.tracking import description, names
from tests.study import fake, fake_grid, reports

HAND_WRITTEN = """\
| cell | miou % | delta | interval | p | Holm | P(A>B) | verdict | n | failed | reported: Net, Data val | its delta |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| plain | 51.56 | - | - | - | - | - | baseline | 6 | 0 | 64.10 | - |
| good | 54.69 | +3.12 | +3.12 .. +3.12 | 0.0312 | 0.0312 | 1.00 | better | 6 | 0 | 66.60 | +2.50 |
| far | - | - | - | - | - | - | not run | 0 | 0 | - | - |
"""  # noqa: E501
"""Plain: 1/4 + mean(0..5)/32 + 4/64 + 1/8 = 0.515625; good: + 1/32; p = 2 ** (1 - 6) = 0.03125."""


def markdown(record: StudyRecord) -> str:
    """The tables as Markdown."""
    return document.markdown(ablation_table.parts(AblationResults(record)), Path())


def test_one_table_has_the_objective_s_test_and_the_others_differences(tmp_path: Path) -> None:
    ledger = fake.begin(fake_grid.plan(tmp_path))
    for run in grid_runs(ledger.record.plan):
        fake_grid.complete(ledger, run)
    for trial in ledger.record.in_state("complete"):
        # the area decides for "good", one boundary metric against it, one has noise alone
        effect, noise = trial.cell == "good", (trial.seed % 2) * (trial.cell == "good")
        measured = {
            "miou": 0.5 + effect / 32,
            "boundary_f_1px": 0.5 - effect / 16,
            "boundary_f_3px": 0.5 + noise / 32 - effect / 64,
        }
        metrics = {f"test_{name}": value for name, value in measured.items()}
        ledger.append(Tested(trial=trial.number, metrics=metrics))
    found = verdicts.section(AblationResults(ledger.record))
    sheet, said = found.blocks[:2]
    assert sheet == Sheet(
        [
            *("cell", "miou %", "delta", "interval", "Holm", "verdict"),
            *("Δ boundary_f_1px", "Δ boundary_f_3px", "n", "failed"),
        ],
        [
            "plain,50.00,-,-,-,baseline,-,-,6,0".split(","),
            "good,53.12,+3.12,+3.12 .. +3.12,0.0312,better,-6.25 worse,0.00 undecided,6,0".split(
                ","
            ),
            "far,-,-,-,-,not run,-,-,0,0".split(","),
        ],
    )
    assert isinstance(said, Prose)
    assert "`miou` is the objective and decides; each other metric" in said.text
    assert coverage_note(len(fake_grid.SEEDS)) in said.text
    assert "with so few seeds" in coverage_note(2)


def broken(tmp_path: Path) -> Ledger:
    """Seven seeds; good fails on one, diverges on another, and still runs on a third; bad and
    same are complete."""
    cells = (
        *fake_grid.GRID.cells,
        Cell(name="bad", changes={"loss/gdl": 1.0}),
        Cell(name="same", changes={"loss/bl": 0.5}),
    )
    plan = fake_grid.plan(tmp_path, replace(fake_grid.GRID, cells=cells), tuple(range(9)))
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        if (run.cell, run.seed) == ("good", 1):
            fake_grid.fail(ledger, run, "error")
        elif (run.cell, run.seed) == ("good", 4):
            fake_grid.fail(ledger, run, "diverged")
        elif (run.cell, run.seed) == ("good", 8):
            fake_grid.start(ledger, run)  # killed
        else:
            fake_grid.complete(ledger, run)
    fake_grid.measure_all(ledger)
    return ledger


def test_the_table_is_the_one_written_by_hand(tmp_path: Path) -> None:
    record = fake_grid.ended_study(fake_grid.plan(tmp_path)).record
    text = markdown(record)
    assert HAND_WRITTEN in text
    assert "on the test list of `shapes`" in text
    assert "after the last epoch" in text
    assert "n = 6 seeds (0, 1, 2, 3, 4, 5)" in text
    assert "- far: needs a network that does not exist" in text
    assert "Source: a paper, Table 1." in text


OTHER = Setup(
    name="Deep, Data val",
    network="Deep",
    dataset="Data",
    images="val",
    protocol="multi-scale",
    config={"model/network": "hrnet_w18"},
)


def with_another_setup(tmp_path: Path) -> AblationResults:
    """A study whose paper has figures of a second network, and a third without a description."""
    more = {OTHER.name: {"miou": 0.8}, "Old, Data val": {"miou": 0.7}}
    cells = tuple(
        replace(cell, published={**cell.published, **more}) if cell.name == "good" else cell
        for cell in fake_grid.GRID.cells
    )
    grid_ = replace(fake_grid.GRID, cells=cells, setups=(*fake_grid.GRID.setups, OTHER))
    return fake_grid.results(fake_grid.ended_study(fake_grid.plan(tmp_path, grid_)))


def test_figures_of_other_setups_are_never_columns_beside_ours(tmp_path: Path) -> None:
    results = with_another_setup(tmp_path)
    assert results.tables[0].setups == (fake_grid.PAPER,)
    text = markdown(results.record)
    assert HAND_WRITTEN in text  # the same columns as without the others
    title = "Published, for Deep on Data val, multi-scale (ImageNet). Not comparable here: "
    assert f"{title}model/network is tiny here, hrnet_w18 there." in text
    assert "| good | 80.00 | - |" in text
    assert "Old, Data val. Not comparable here: how it was measured is not recorded." in text
    assert "Measured as here: the published figures of Net on Data val, single-scale" in text
    rows = list(csv.DictReader(io.StringIO(table_files.comma_separated(results))))
    good = next(row for row in rows if row["cell"] == "good")
    assert good["published"] == "Net, Data val: 0.666"
    assert good["published_apart"] == "Deep, Data val: 0.8; Old, Data val: 0.7"
    console = Console(record=True, width=200, file=io.StringIO())
    grid.print_result(console, results, {})
    printed = console.export_text()
    assert "reported: Deep" not in printed
    assert "Published, for Deep on Data val, multi-scale" in printed
    noted = description.of_study(results)
    assert "Published, and not measured as here:" in noted
    assert "Deep on Data val, multi-scale (ImageNet): good 80.00. Not comparable here" in noted
    assert names.published(results.record, "good") == {"published_miou": 0.666}


def test_until_the_test_list_is_measured_no_published_column_stands_beside_ours(
    tmp_path: Path,
) -> None:
    plan = fake_grid.plan(tmp_path)
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        fake_grid.complete(ledger, run)
    results = AblationResults(ledger.record)
    assert results.split == "val"
    assert results.tables[0].setups == ()
    assert [apart.name for apart in results.apart] == [fake_grid.PAPER]


def test_the_terminal_names_the_cell_that_cannot_be_run_and_what_it_lacks(tmp_path: Path) -> None:
    console = Console(record=True, width=200, file=io.StringIO())
    results = fake_grid.results(fake_grid.ended_study(fake_grid.plan(tmp_path)))
    grid.print_result(console, results, {})
    assert "not run: far: needs a network that does not exist" in console.export_text()


def test_failed_diverged_and_killed_runs_are_counted_and_shown(tmp_path: Path) -> None:
    record = broken(tmp_path).record
    rows = {row.cell.name: row for row in tables.metric_tables(record)[0].rows}
    good = rows["good"]
    assert (good.failed, good.diverged, good.unfinished, len(good.values)) == (1, 1, 1, 6)
    assert good.comparison is not None
    assert good.comparison.n == 6
    assert good.comparison.mean == pytest.approx(0.03125)
    # The cell's mean is over other seeds than the baseline's: the delta is not their difference
    seeds = [0, 2, 3, 5, 6, 7]
    assert good.mean == pytest.approx(0.25 + sum(seeds) / 6 / 32 + 1 / 32 + 1 / 16 + 1 / 8)
    assert good.comparison.p == 2.0**-5
    bad, same = rows["bad"].comparison, rows["same"].comparison
    assert bad is not None
    assert same is not None
    assert (bad.n, bad.p, bad.p_holm) == (9, 2.0**-8, 3 * 2.0**-8)
    assert AblationResults(record).verdicts == {
        "plain": "baseline",
        "good": "undecided",
        "far": "not run",
        "bad": "worse",
        "same": "undecided",
    }
    assert tables.unchanged(record) == ["same"]
    assert "| 1 diverged, 1 failed, 1 not run yet |" in markdown(record)
    report = reports.markdown(record, tmp_path)
    assert "made no difference yet: same." in report
    assert "35 trials" not in report
    assert "33 complete, 2 failed (1 diverged, 1 error), 1 running" in report
    assert "(good, seed 4): diverged: it went wrong" in report


def test_until_every_run_is_tested_the_table_shows_validation(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    ledger = fake.begin(plan)
    assert "| good | - |" in markdown(ledger.record)
    for run in grid_runs(plan):
        fake_grid.complete(ledger, run)
    plain = tables.metric_tables(ledger.record)[0].rows[0]
    assert cell_values.split_of(ledger.record) == "val"
    assert plain.mean == pytest.approx(0.515625 - 0.125)
    fake_grid.measure_all(ledger)
    assert cell_values.split_of(ledger.record) == "test"
