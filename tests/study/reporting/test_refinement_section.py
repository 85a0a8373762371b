"""What a report says of refined tests."""

from pathlib import Path

from search_spaces import Cell, Grid
from study.analysis.results import results_of
from study.ledger.events import Tested
from study.ledger.study_folder import StudyFolder
from study.ledger.tested import Refined
from study.planning.runs import grid_runs
from study.reporting.document import Section, Sheet
from study.reporting.sections import plots, refinement
from tests.study import fake, fake_grid
from trainables.config import Value

GRID = Grid(
    name="g",
    question="?",
    source="s",
    baseline="plain",
    cells=(
        Cell(name="plain", changes={}),
        Cell(name="crf", changes={"refine/method": "dense_crf"}),
        Cell(name="fix", changes={"refine/method": "segfix"}),
    ),
)
CHOSEN: dict[str, Value] = {"dense_crf/appearance_weight": 4.0, "dense_crf/tried": 1}


def test_a_row_has_the_settings_and_the_figures_that_chose_them(tmp_path: Path) -> None:
    ledger = fake.begin(fake_grid.plan(tmp_path, grid=GRID, seeds=(0,)))
    for run in grid_runs(ledger.record.plan):
        fake_grid.complete(ledger, run)
        refined = Refined(chosen=CHOSEN, value=0.75) if run.cell == "crf" else None
        ledger.append(Tested(trial=run.number, metrics={"test_miou": 0.5}, refined=refined))
    (section,) = refinement.section(ledger.record)
    assert isinstance(section, Section)
    (sheet,) = (block for block in section.blocks if isinstance(block, Sheet))
    crf, fix = sheet.rows
    alone = ledger.record.trials[1].value("miou")
    assert alone is not None
    assert crf[3:5] == ["dense_crf", "weight 4, sxy 80, srgb 13"]
    assert crf[5:] == ["75.00 %", f"{100 * alone:.2f} %"]
    assert fix[3] == "segfix"
    assert fix[-2:] == ["-", "-"]


def test_pictures_of_validation_are_said_to_be_unrefined(tmp_path: Path) -> None:
    for grid, said in ((GRID, True), (fake_grid.GRID, False)):
        ledger = fake_grid.ended_study(fake_grid.plan(tmp_path / grid.name, grid=grid))
        folder = StudyFolder(tmp_path / grid.name)
        for number in ledger.record.trials:
            folder.pictures(number).mkdir(parents=True)
            (folder.pictures(number) / "by~epoch.png").touch()
        (section,) = plots.epochs(results_of(ledger.record), folder)
        assert isinstance(section, Section)
        assert ("without refinement" in str(section.blocks[0])) == said
