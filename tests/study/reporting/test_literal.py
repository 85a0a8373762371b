"""Whatever a user can name is shown literally: no markup, escape sequence, HTML or formula."""

import io
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
from matplotlib.text import Text

from search_spaces import SPACES, Cell
from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.reporting import document, write_report
from study.reporting.document import Points, Prose, Section, Sheet
from study.reporting.figures import draw
from study.reporting.table_files import comma_separated, latex
from study.reporting.terminal import grid
from study.reporting.terminal.safe_console import SafeConsole
from tests.study import fake, fake_grid
from tests.study.commands.test_check_data import checked, make

STRANGE = (r"$\frac{$", r"a_b & c% #1 {x} \y ~z ^", "$x$", r"\$", "[1]*", "--''``|<>", "$")
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
    console.print(grid.planned(record.plan, SPACES[record.plan.space], {}))
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


def strange_study(storage: Path) -> AblationResults:
    """An ablation whose cells have names that are formulas or commands elsewhere."""
    cells = tuple(
        Cell(name=name, changes={"loss/lovasz": float(place)}) for place, name in enumerate(STRANGE)
    )
    named = replace(fake_grid.GRID, cells=cells, baseline=STRANGE[0])
    return AblationResults(fake_grid.ended_study(fake_grid.plan(storage, grid=named)).record)


def test_names_in_figures_are_no_formulas(tmp_path: Path) -> None:
    """A cell named ``$\\frac{$`` kept the whole report from being written."""
    results = strange_study(tmp_path)
    files = write_report.write(results, StudyFolder(tmp_path / "fake"), {})
    assert "differences.png" in [path.name for path in files]
    with matplotlib.rc_context(draw.STYLE):
        figures = draw.of_ablation(results)
        shown = {
            text.get_text(): text._preprocess_math(text.get_text())  # type: ignore[attr-defined]
            for figure in figures.values()
            for text in (figure.findobj(Text) if figure else ())
        }
    for name in STRANGE:
        assert shown[name] == (name, False), name
    assert not [text for text, (_, formula) in shown.items() if formula]


def test_a_logarithmic_axis_has_plain_numbers(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    results = SearchResults(fake.ended_study(plan).record)
    with matplotlib.rc_context(draw.STYLE):
        figure = draw.of_search(results, fake.SPACE, {})["slices"]
        assert figure is not None
        figure.canvas.draw()
    labels = [label.get_text() for axes in figure.axes for label in axes.get_xticklabels()]
    assert "0.1" in labels
    assert not [label for label in labels if "$" in label or "\\" in label]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (STRANGE[0], r"\$\textbackslash{}frac\{\$"),
        (
            STRANGE[1],
            r"a\_b \& c\% \#1 \{x\} \textbackslash{}y \textasciitilde{}z \textasciicircum{}",
        ),
        (STRANGE[2], r"\$x\$"),
        (STRANGE[3], r"\textbackslash{}\$"),
        (STRANGE[4], "{[}1{]}{*}"),
        (
            STRANGE[5],
            r"-{}-'{}'\textasciigrave{}\textasciigrave{}\textbar{}\textless{}\textgreater{}",
        ),
    ],
)
def test_names_in_latex_tables_are_no_commands(tmp_path: Path, name: str, written: str) -> None:
    results = strange_study(tmp_path)
    table = latex(results)
    assert name in [cell.name for cell in results.record.plan.grid.cells]
    assert f"\n{written} & " in table


def test_the_caption_of_a_latex_table_is_literal_too(tmp_path: Path) -> None:
    caption = latex(strange_study(tmp_path)).partition("\\caption{")[2].partition("}\n")[0]
    assert r"of cell - \$\textbackslash{}frac\{\$ in percentage points" in caption
    assert "`" not in caption
