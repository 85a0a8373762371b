"""`study/report.py A B --together`: its files, words and refusals, and the same from Python."""

import csv
from pathlib import Path

import pytest

import study
from study.commands import report
from tests.study.fake_datasets import ended


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    ended(tmp_path, "one", "shapes")
    ended(tmp_path, "two", "camvid", {"good": (0.0, 2 / 64, 4 / 64)})
    return tmp_path


def run(storage: Path, *words: str) -> int:
    return report.main([*words, "--storage", str(storage)])


def test_the_command_names_its_files_and_says_which_cell_to_try(
    storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(storage, "one", "two", "--together") == 0
    *files, said = capsys.readouterr().out.splitlines()
    home = storage / "together" / "one+two"
    names = ["together.html", "together.md", "together.csv", "forest.png"]
    assert files == [str(home / name) for name in names]
    assert said.startswith("Try good first: +3.12 miou (")
    assert "on a new dataset it is better than plain with probability 0." in said
    assert said in (home / "together.html").read_text()
    text = (home / "together.md").read_text()
    assert "gains within 0.20 are the same" in text
    assert "| good | undecided +3.12 | undecided +3.12 |" in text
    assert "With 2 datasets, how much they differ is hardly known" in text
    rows = list(csv.DictReader((home / "together.csv").open()))
    assert [(row["dataset"], float(row["gain"])) for row in rows] == [
        ("shapes", 1 / 32),
        ("camvid", 1 / 32),
        ("all", 1 / 32),
    ]
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    assert run(storage, "one", "two", "--together", "--out", str(home)) == 0
    assert before == {path.name: path.read_bytes() for path in home.iterdir()}


def test_python_has_the_same_table(storage: Path) -> None:
    table = study.together("one", "two", storage=storage)
    assert list(table.dataset) == ["shapes", "camvid", "all"]
    assert table.iloc[-1].gain == pytest.approx(1 / 32)
    wide = study.together("one", "two", storage=storage, smallest=10)
    assert wide.iloc[-1].practically_same == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("one", "two"), "NAME must be one without --together, got one two"),
        (("one", "--together"), "--together needs two studies or more, got 1"),
        (("one", "one", "--together"), "a different dataset in each study, got shapes in both"),
        (("one", "none", "--together"), "NAME must name a study in"),
        (("one", "../two", "--together"), "NAME must be letters, digits"),
        (("one", "--cells", "good"), "--cells goes with --together, got it without"),
        (("one", "two", "--together", "--cells", "far"), "--cells must be of good in one, got"),
        (("one", "two", "--together", "--smallest", "-1"), "--smallest must be >= 0, got -1.0"),
        (("one", "two", "--together", "--smallest", "nan"), "--smallest must be >= 0, got nan"),
        (("one", "two", "--together", "--rebuild-mlflow"), "--rebuild-mlflow goes with one NAME"),
    ],
)
def test_a_mistake_is_one_line(
    storage: Path, words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(storage, *words) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_line(
    storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (storage / "file").write_text("")
    assert run(storage, "one", "two", "--together", "--out", str(storage / "file")) == 1
    assert "cannot be written" in capsys.readouterr().err
