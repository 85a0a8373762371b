"""Files of the user's folder that have the names of our packages or of Python's library."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.own_ray import SMALL, environment
from tests.conftest import ROOT

PACKAGES = ("cluster", "search_spaces", "trainables")


def traps(folder: Path, *names: str) -> None:
    """Modules that must never be imported."""
    for name in names:
        (folder / f"{name}.py").write_text(f"raise ImportError('your own {name}.py')\n")


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        timeout=550,
    )


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_a_study_runs_in_a_folder_with_files_of_our_names(tmp_path: Path) -> None:
    traps(tmp_path, "study", "queue", "logging", "tests", *PACKAGES)
    sizes = [word for change in SMALL for word in ("--set", change)]
    options = [
        "--space",
        "region",
        "--trials",
        "1",
        "--epochs",
        "1",
        "--confirm",
        "0",
        "--name",
        "a",
    ]
    options += sizes
    # With PYTHONPATH=. as well, which many shells set.
    done = run(tmp_path, str(ROOT / "study" / "run.py"), *options, PYTHONPATH=".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "own" not in done.stderr
    assert '"complete"' in (tmp_path / "runs" / "a" / "ledger.jsonl").read_text()


def test_the_python_api_takes_our_packages_beside_a_script(tmp_path: Path) -> None:
    traps(tmp_path, *PACKAGES)
    (tmp_path / "mine.py").write_text(
        "import study, sys\nbefore = list(sys.path)\n"
        "print(study.make_plan(space='region', name='a').study)\n"
        "assert [place for place in sys.path if place in before] == before  # Ray adds its own\n"
    )
    done = run(tmp_path, "mine.py", PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stdout) == (0, "a\n"), done.stderr


def test_the_python_api_names_a_file_that_took_the_name_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "cluster.py").touch()
    (tmp_path / "mine.py").write_text("import cluster, study\nstudy.make_plan(space='region')\n")
    done = run(tmp_path, "mine.py", PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "cluster must be Edgewise's package in" in done.stderr.splitlines()[-1]
    assert str(tmp_path / "cluster.py") in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("script", ["study/run.py", "study/report.py", "cluster/render.py"])
@pytest.mark.parametrize("safe", [["-P"], []], ids=["-P", "usual"])
def test_a_command_finds_its_packages(script: str, safe: list[str], tmp_path: Path) -> None:
    traps(tmp_path, "study", "logging", *PACKAGES)
    done = run(tmp_path, *safe, str(ROOT / script), "--help", PYTHONPATH=":/nowhere")
    assert done.returncode == 0, done.stderr
