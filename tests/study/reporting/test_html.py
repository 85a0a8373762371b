"""The HTML report: one file, nothing from elsewhere, and nothing that a user wrote is markup."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image

from search_spaces import Cell
from study.ledger.study_folder import StudyFolder
from study.planning.runs import grid_runs
from study.reporting import html
from study.reporting.document import Prose
from tests.study import fake, fake_grid, reports

_EVIL = "<script>alert('1')</script>"


class Reader(HTMLParser):
    """Tags, and the text of the tables."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text())
    return reader


def test_what_a_user_named_is_text_and_all_comes_from_the_file_itself(tmp_path: Path) -> None:
    cells = (*fake_grid.GRID.cells[:1], Cell(name=_EVIL, changes={"loss/ar": 1.0}))
    grid = replace(fake_grid.GRID, cells=cells, question=f"Is {_EVIL} `real`?")
    plan = fake_grid.plan(tmp_path, grid)
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        if run.cell == _EVIL:
            fake_grid.fail(ledger, run, "<b>lane</b>")
        else:
            fake_grid.complete(ledger, run)
    folder = StudyFolder.of(plan)
    worst = folder.test_pictures
    worst.mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(worst / "worst-1-<i>name.png")
    files = reports.write(ledger.record, folder)
    page = next(path for path in files if path.suffix == ".html")
    found = read(page)
    assert not {"script", "b", "i", "link", "iframe"} & set(found.tags)
    assert found.tags.count("img") == 2  # curves, and the picture
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in found.sources)
    assert any(cell.startswith(_EVIL) for cell in found.cells)
    assert "<code>real</code>" in page.read_text()


def test_its_figures_are_those_of_the_tables(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record = fake_grid.ended_study(plan).record
    files = reports.write(record, StudyFolder.of(plan))
    found = read(next(path for path in files if path.suffix == ".html"))
    cells = [cell.strip() for cell in found.cells]
    verdict = cells.index("good")
    complete = cells.index("good", verdict + 1)
    figures = ["good", "54.69", "+3.12", "+3.12 .. +3.12"]
    assert cells[verdict : verdict + 7] == [*figures, "0.0312", "better", "6"]
    assert cells[complete : complete + 9] == [*figures, "0.0312", "0.0312", "1.00", "better", "6"]


def test_the_complete_tables_are_folded_below_the_plots(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record = fake_grid.ended_study(plan).record
    markdown, page = (path.read_text() for path in reports.write(record, StudyFolder.of(plan))[:2])
    assert "details" not in page.partition("<body>")[2].partition("<img")[0]
    folded = page.partition("<img")[2].split("<details>")[1:]
    assert folded[0].startswith("<summary><code>miou</code>: the objective</summary>")
    assert page.count("<details>") == page.count("</details>") == len(folded)
    order = ["## Against `plain`", "![", "## Details", "### `miou`: the objective"]
    assert [markdown.index(text) for text in order] == sorted(map(markdown.index, order))


def test_a_caution_is_strong_and_shows_no_stars() -> None:
    text = html.page("t", "?", "!", [Prose("**1 of 2 predicts `box` & no more.**")])
    assert "<strong>1 of 2 predicts <code>box</code> &amp; no more.</strong>" in text
    assert "**" not in text
