"""Optuna's own lines reach no terminal, whenever it is imported."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

BEFORE = "import logging; logging.getLogger('optuna').setLevel(logging.ERROR); "
"""What a command does before it imports its libraries; Optuna's import undoes it."""


def test_a_study_in_memory_is_not_announced() -> None:
    code = f"{BEFORE}import search_spaces; import optuna; optuna.create_study()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("package", ["study", "trainables", "cluster"])
def test_whatever_creates_a_study_imports_what_silences_it(package: str) -> None:
    creating = [path for path in (ROOT / package).rglob("*.py") if _creates(path.read_text())]
    assert bool(creating) == (package == "study")
    for path in creating:
        assert "from search_spaces import" in path.read_text(), path


def _creates(text: str) -> bool:
    return "create_study(" in text
