"""A custom grid: a small file in, cells out, and one line for each mistake."""

from pathlib import Path

import pytest

from study.planning import custom_grid

WHOLE = """
question: What does each term add?
baseline: {loss/lovasz: 1.0}
mode: one_at_a_time
factors:
  abl: {loss/w_a: 1.0}
  theta:
    when: abl
    levels: {"5": {loss/theta: 5.0}, "20": {loss/theta: 20}}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_file_of_factors_becomes_cells(tmp_path: Path) -> None:
    grid = custom_grid.grid_from_file(write(tmp_path, WHOLE))
    assert (grid.name, grid.baseline) == ("mine", "baseline")
    assert grid.question == "What does each term add?"
    assert {cell.name: dict(cell.changes) for cell in grid.cells} == {
        "baseline": {"loss/lovasz": 1.0},
        "abl": {"loss/lovasz": 1.0, "loss/w_a": 1.0},
        "abl theta=5": {"loss/lovasz": 1.0, "loss/w_a": 1.0, "loss/theta": 5.0},
        "abl theta=20": {"loss/lovasz": 1.0, "loss/w_a": 1.0, "loss/theta": 20},
    }


def test_a_file_of_cells_is_used_unchanged(tmp_path: Path) -> None:
    text = "name: two\ncells:\n  plain:\n  ar: {loss/ar: 0.1}\n"
    grid = custom_grid.grid_from_file(write(tmp_path, text))
    assert (grid.name, grid.baseline) == ("two", "plain")
    assert [dict(cell.changes) for cell in grid.cells] == [{}, {"loss/ar": 0.1}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file must be a mapping, got None"),
        ("[1, 2", "must be YAML"),
        ("mode: all", "mode must be one of leave_one_out, add_one, one_at_a_time"),
        ("mode: add_one", "factors must be a mapping, got None"),
        ("mode: add_one\nfactors: {a: 3}", "factors/a must be a mapping, got 3"),
        ("mode: add_one\nfactors: {a: {loss/ar: [1]}}", "factors/a/loss/ar must be a number"),
        ("mode: add_one\nfactors: {a: {levels: {}}}", "factors/a must have a level"),
        ("mode: add_one\nfactors: {a: {levels: {x: {epochs: 2}}, when: z}}", "an earlier factor"),
        ("colour: red", "keys must be among baseline, cells"),
        ("cells: {}", "cells must hold one cell or more"),
        ("cells: {a: {}}\nmode: add_one", "cells come without mode"),
        ("cells: {a: {optim/lrr: 1}}", "unknown config path 'optim/lrr'; did you mean optim/lr"),
        ("cells: {a: {}, b: {}}", "cells must differ, got 'a' and 'b'"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=r"mine\.yaml") as raised:
        custom_grid.grid_from_file(path)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--grid must be a file that can be read"):
        custom_grid.grid_from_file(tmp_path / "none.yaml")
