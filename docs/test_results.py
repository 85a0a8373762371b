"""docs/results.md is what its command writes from the archived ledgers, and nothing else."""

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pytest

from docs.results import measured, sections
from docs.results.__main__ import OBJECTIVE, README, main, page, pooled_of, with_table
from docs.results.archive import GRID, HERE, Archived, Result, archived, compared
from docs.results.claims import BY_CELL, TERMS
from study.analysis.results import results_of
from study.ledger.study_folder import StudyFolder
from study.reporting import table_files
from study.reporting.document import Sheet
from tests.study import fake_grid
from tests.study.fake_datasets import ended

UP = tuple(seed / 64 for seed in range(1, 7))
DOWN = tuple(-gain for gain in UP)
UPWARDS = Result(0.75, 0.25, "better", {})


def archive(storage: Path, name: str, gains: tuple[float, ...]) -> None:
    """An ended study, archived: its compressed ledger alone."""
    ended(storage, name, name, {"good": gains}, replace(fake_grid.GRID, name=GRID))
    ledger = storage / name / "ledger.jsonl"
    ledger.with_name("ledger.jsonl.gz").write_bytes(gzip.compress(ledger.read_bytes(), mtime=0))
    ledger.unlink()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    archive(tmp_path / "results", "horses", UP)
    archive(tmp_path / "results", "camvid", DOWN)
    return tmp_path / "results"


def test_one_command_writes_the_page_from_the_ledgers(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    marks = README.read_text().split("<!-- ")
    readme.write_text(f"before <!-- {marks[1].split('-->')[0]}-->\nold <!-- until here --> after")
    assert main(home, readme) == 0
    file = home.with_suffix(".md")
    assert capsys.readouterr().out.splitlines()[-1] == str(file)
    text = file.read_text()
    assert "| `good` | **better** +5.47 | **worse** -5.47 | 0.50 |  |" in text
    assert readme.read_text().startswith("before <!-- ")
    assert "old" not in readme.read_text()
    assert "| `good` | **better** +5.47 | **worse** -5.47 |" in readme.read_text()
    assert "- better here, worse there: `good` (1 better, 1 worse)" in text
    written = {path: path.read_bytes() for path in home.parent.rglob("*") if path.is_file()}
    assert main(home, readme) == 0
    assert written == {path: path.read_bytes() for path in home.parent.rglob("*") if path.is_file()}


@pytest.mark.parametrize("study", archived(), ids=lambda study: study.name)
def test_the_tables_are_those_of_the_ledgers(study: Archived) -> None:
    """Every verdict is computed again from the figures by seed."""
    results = results_of(study.record)
    assert results.comparison is not None
    written = (study.folder.report / "table.csv").read_text()
    assert written == table_files.comma_separated(results.comparison)


def test_the_page_is_that_of_the_studies() -> None:
    found = archived()
    written = HERE.with_suffix(".md").read_text()
    pooled = pooled_of(found)
    assert written == page(found, pooled, HERE.parent)
    behind = (HERE / measured.NAME).read_text()
    assert behind == measured.page(found, OBJECTIVE, HERE)
    for text, place in ((written, HERE.parent), (behind, HERE)):
        for target in re.findall(r"\]\(([^)]+)\)", text):
            assert (place / target).exists()
    assert README.read_text() == with_table(README.read_text(), found, pooled)


def test_no_study_names_a_place_of_the_machine_that_ran_it() -> None:
    """But the folder of data and weights, which the commands show."""
    absolute = re.compile(rb'[" =](/[^/" ]+/)')
    for study in archived():
        assert set(absolute.findall(gzip.decompress(study.folder.ledger.read_bytes()))) == {
            b"/data/"
        }


def test_the_readme_has_the_losses_that_ran_everywhere() -> None:
    study = next(study for study in compared(archived()) if study.tables)
    names = list(study.tables["miou"])
    first, second = (
        replace(study, tables={"miou": {name: study.tables["miou"][name] for name in names[:many]}})
        for many in (4, 3)
    )
    named = " ".join(row[0] for row in sections.brief([first, second], "miou").rows)
    assert [f"`{name}`" in named for name in names[:4]] == [True, True, True, False]


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), "**better** +3.50"),
        ((-1.0, -2.0, -3.0, -4.0, -5.0, -6.0), "**worse** -3.50"),
        ((-1.0, 2.0, -3.0, 4.0, -5.0, 6.0), "undecided +0.50"),
    ],
)
def test_a_term_is_tested_against_the_cell_beside_it(gains: tuple[float, ...], said: str) -> None:
    """Six seeds of one sign are p = 2/64; the other cells of the table do not matter."""
    seeds = {f"seed_{place}": 0.5 for place in range(6)}
    more = {name: 0.5 + gain / 100 for name, gain in zip(seeds, gains, strict=True)}
    cells = {"lovasz": Result(0.5, 0.0, "same", seeds), "iabl": Result(0.5, 0.0, "same", more)}
    study = replace(archived()[0], tables={"miou": cells})
    rows = {row[0].split(",")[0]: row[1] for row in sections.terms([study], "miou").rows}
    assert rows["ABL"] == said
    assert rows["KL at boundaries"] == "not run"


def test_a_paper_s_grid_is_one_table_of_all_datasets(tmp_path: Path) -> None:
    tables = {"miou": {"plain": Result(0.5, None, "baseline", {}), "good": UPWARDS}}
    found = []
    for name, cells in {"zoo-peak": tables, "park-peak": {"miou": {"plain": UPWARDS}}}.items():
        ended(tmp_path, name, name, {"good": UP})
        folder = StudyFolder(tmp_path / name)
        found.append(Archived(folder, folder.load(), cells))
    (section,) = sections.of_papers(found, "miou")
    assert section.title == "Is it real?"
    assert section.blocks[-1] == Sheet(
        ["cell", "zoo", "less `plain`", "park", "less `plain`"],
        [
            ["`plain`", "50.00 %", "baseline", "75.00 %", "**better** +25.00"],
            ["`good`", "75.00 %", "**better** +25.00", "", "not run"],
        ],
    )


def test_every_claim_has_a_figure_in_its_paper_s_table() -> None:
    claims = [*BY_CELL.values(), *(term.claim for term in TERMS if term.claim)]
    for claim in claims:
        assert claim.words()[0] in "+-"
    assert BY_CELL["iabl"].words() == "+0.87 to +1.77 (ABL, Table 2)"
