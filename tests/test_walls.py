"""The walls of the house: who may import whom, read from the code itself."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("study", "trainables", "search_spaces", "cluster")
RAY_FILES = {"trial.py", "lane.py", "mailbox.py", "worker.py"}


def imported(path: Path) -> set[str]:
    """Top-level names of every module that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


def files(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("package", ["trainables", "search_spaces", "cluster"])
def test_only_study_imports_the_other_rooms(package: str) -> None:
    for path in files(package):
        assert not imported(path) & (set(PACKAGES) - {package}), path


def test_spaces_know_optuna_but_neither_ray_nor_torch() -> None:
    for path in files("search_spaces"):
        assert not imported(path) & {"ray", "torch", "torchvision", "mlflow"}, path


def test_trainables_keep_ray_in_four_files_and_know_no_optuna_or_mlflow() -> None:
    for path in files("trainables"):
        names = imported(path)
        assert not names & {"optuna", "mlflow"}, path
        if path.name not in RAY_FILES:
            assert "ray" not in names, path


def test_only_a_rank_imports_what_a_rank_needs() -> None:
    """Seconds of every lane's start: its other processes start before the ranks, one by one."""
    for name in RAY_FILES - {"worker.py"}:
        tree = ast.parse((ROOT / "trainables" / "lane" / name).read_text())
        above = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert "trainables.lane.worker" not in above, name


def test_cluster_knows_no_torch() -> None:
    for path in files("cluster"):
        assert not imported(path) & {"torch", "optuna", "mlflow"}, path


def test_mlflow_is_in_two_files_of_study_that_only_its_sink_reaches() -> None:
    users = {path.stem for path in files("study") if "mlflow" in imported(path)}
    assert users == {"client_writer", "models"}
    for path in files("study"):
        if path.stem not in users | {"sink"}:
            assert not any(f"study.tracking.{name}" in path.read_text() for name in users), path


@pytest.mark.parametrize("package", PACKAGES)
def test_files_and_functions_stay_small(package: str) -> None:
    for path in files(package):
        text = path.read_text()
        assert text.count("\n") <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 80, f"{path}: {node.name}"
