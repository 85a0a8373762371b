"""Optuna's own lines reach no terminal, whenever it is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "import logging; logging.getLogger('optuna').setLevel(logging.ERROR); "
"""What a command does before it imports its libraries; Optuna's import undoes it."""


@pytest.mark.parametrize(
    "module", ["study.search.optuna_study", "study.search.cell_search", "study.planning.plugin"]
)
def test_a_study_in_memory_is_not_announced(module: str) -> None:
    code = f"{BEFORE}import {module}; import optuna; optuna.create_study()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
