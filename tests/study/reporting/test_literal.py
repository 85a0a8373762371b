"""Whatever a user can name is shown literally: no markup, escape sequence, HTML or formula."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import SPACES, Cell
from study.analysis.results import AblationResults
from study.reporting import document
from study.reporting.document import Points, Prose, Section, Sheet
from study.reporting.table_files import comma_separated
from study.reporting.terminal import grid
from study.reporting.terminal.safe_console import SafeConsole
from tests.study import fake_grid
from tests.study.commands.test_check_data import checked, make

MARKUP, ESCAPE, HTML = "[red]x[/red]", "\x1b[31mred\x1b]0;t\x07", "<img src=x onerror=1>"
FORMULA = "=HYPERLINK(1)"


def test_class_names_are_printed_literally(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make(tmp_path)
    (root / "classes.txt").write_text(f"{MARKUP}\n:car: red\n", encoding="utf-8")
    code, output, error = checked(root, capsys)
    assert code == 0, error
    assert MARKUP in output
    assert ":car: red" in output


def test_an_error_line_holds_no_escape_sequence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = checked(tmp_path / f"[bold]a{ESCAPE}", capsys)
    assert code == 2
    assert "[bold]a" in error
    assert not {"\x1b", "\x07"} & set(error)
    assert error.count("\n") == 1


def test_a_grid_s_names_are_printed_and_written_literally(tmp_path: Path) -> None:
    cells = (
        Cell(name="plain", changes={}),
        Cell(name=MARKUP, changes={"loss/lovasz": 1.0}),
        Cell(name=FORMULA, changes={"loss/ar": 0.1}),
        Cell(name=HTML, changes={"loss/ar": 0.2}, needs=f"{MARKUP}{ESCAPE}"),
    )
    named = replace(fake_grid.GRID, cells=cells, question=f"{MARKUP}{HTML}?")
    record = fake_grid.ended_study(fake_grid.plan(tmp_path, grid=named)).record
    results = AblationResults(record)
    console = SafeConsole(width=300)
    console.file = io.StringIO()
    console.print(grid.planned(record.plan, SPACES[record.plan.space]))
    grid.print_result(console, results, {})
    printed = console.file.getvalue()
    for name in (MARKUP, FORMULA, HTML):
        assert name in printed
    assert "\x1b" not in printed
    table = comma_separated(results)
    assert f"'{FORMULA}" in table
    assert f"\n{FORMULA}" not in table
    assert "\x1b" not in table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HTML, "&lt;img src=x onerror=1>"),
        ("</td><!-- <?x <https://a>", "&lt;/td>&lt;!-- &lt;?x &lt;https://a>"),
        ("p < 0.05, a <3 -> b", "p < 0.05, a <3 -> b"),
        ("`a<b>` and <b>", "`a<b>` and &lt;b>"),
        ("`<img>``", "`&lt;img>``"),
        ("``<img>`", "``&lt;img>`"),
        ("`<img>", "`&lt;img>"),
        ("[x](javascript:1)", r"[x]\(javascript:1)"),
        ("a\x1b[31mb", "a[31mb"),
    ],
)
def test_markdown_holds_no_html_of_the_user_s(text: str, shown: str) -> None:
    blocks: document.Parts = [Prose(text), Points([text]), Sheet([text], [[text]]), Section(text)]
    written = document.markdown(blocks, Path())
    assert written.count(shown) == 5
    assert document.literal(text) == shown
