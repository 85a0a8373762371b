"""The walls of the house: which room may import which, read from the code itself."""

import ast
from pathlib import Path

import pytest

from tests.source import PACKAGES, ROOT, files, imports, module_of, top_level

STUDY = {
    # "" holds run.py, report.py, explain.py, predict.py, export.py and __init__.py
    "": {"commands"},
    "commands": {
        "execution",
        "reporting",
        "search",
        "planning",
        "tracking",
        "analysis",
        "ledger",
    },
    "execution": {"search", "planning", "analysis", "ledger"},
    "reporting": {"search.importance", "planning.budget", "analysis", "ledger"},
    "search": {"planning", "analysis", "ledger"},
    "planning": {"analysis", "ledger"},
    "tracking": {"analysis", "ledger"},
    "analysis": {"ledger"},
    "ledger": set(),
}
TRAINABLES = {
    "edgewise": {"modules", "saved_loss"},  # installed as the package `edgewise`
    "modules": {"stages", "losses", "config", "geometry"},
    "lane": {
        "training",
        "saved",
        "stages",
        "plugin",
        "losses",
        "networks",
        "refinement",
        "data",
        "metrics",
        "config",
        "geometry",
        "proof",
    },
    "training": {
        *("plugin", "losses", "networks", "refinement", "data", "metrics", "optim", "config"),
        "proof",
    },
    "export": {"networks", "config"},
    "saved_loss": {"saved", "stages", "losses", "config"},
    "saved": {"plugin", "losses", "networks", "config", "proof"},
    "stages": {"losses", "networks", "refinement", "data", "config", "geometry", "proof"},
    "plugin": {
        *("losses", "networks", "data", "config"),
        *("plugin_training", "plugin_entry", "plugin_file"),
    },
    "plugin_training": {"optim", "data", "metrics", "config", "plugin_entry", "plugin_file"},
    "losses": {"config", "geometry"},
    "refinement": {"config", "geometry"},
    "networks": {"config", "geometry"},
    "data": {"config", "geometry"},
    "metrics": {"config", "geometry", "proof"},
    "optim": {"config"},
    "plugin_entry": {"config"},
    "config": set(),
    "geometry": set(),
    "plugin_file": set(),
    "proof": set(),
}


def room(package: str, module: str) -> str:
    """The room of a module: its folder or file directly below the package."""
    if module in (
        package,
        *(f"{package}.{name}" for name in ("run", "report", "explain", "predict", "export")),
    ):
        return ""
    return module.split(".")[1]


@pytest.mark.parametrize(
    ("package", "rooms"),
    [("study", STUDY), ("trainables", TRAINABLES)],
    ids=["study", "trainables"],
)
def test_rooms_only_import_what_their_row_allows(package: str, rooms: dict[str, set[str]]) -> None:
    for path in files(package):
        own = (
            room(package, module_of(path))
            if path.parent != ROOT / package
            else ("" if package == "study" or path.stem == "__init__" else path.stem)
        )
        for name in imports(path):
            if not name.startswith(f"{package}."):
                continue
            inner = name.removeprefix(f"{package}.")
            other = inner.partition(".")[0]
            allowed = rooms.get(own, set())
            fits = other in allowed or any(inner.startswith(whole) for whole in allowed)
            assert other == own or fits, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("rooms", [STUDY, TRAINABLES], ids=["study", "trainables"])
def test_no_row_runs_up(rooms: dict[str, set[str]]) -> None:
    """The rows are in the order of their floors, top first."""
    order = list(rooms)
    for place, (name, allowed) in enumerate(rooms.items()):
        for other in allowed:
            assert order.index(other.partition(".")[0]) > place, f"{name} -> {other}"


def test_no_file_imports_itself_through_others() -> None:
    graph = {
        module_of(path): {name for name in imports(path) if name.partition(".")[0] in PACKAGES}
        for package in PACKAGES
        for path in files(package)
    }
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above, module])
        if module not in done:
            for name in graph.get(module, ()):
                visit(name, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("package", ["trainables", "search_spaces", "cluster"])
def test_only_study_imports_the_other_packages(package: str) -> None:
    above_the_wall = {ROOT / "cluster" / "render.py"}  # an entry point
    for path in set(files(package)) - above_the_wall:
        assert not top_level(path) & (set(PACKAGES) - {package}), path


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("ray", ("execution", "search", "commands/python_api.py")),
        ("mlflow", ("tracking",)),
        ("matplotlib", ("reporting", "commands/explain.py")),
        ("argparse", ("commands",)),
    ],
)
def test_a_library_of_study_has_its_rooms(library: str, places: tuple[str, ...]) -> None:
    homes = [ROOT / "study" / place for place in places]
    for path in files("study"):
        if library in top_level(path):
            assert any(path == home or home in path.parents for home in homes), path


def test_trainables_keep_ray_in_the_lane_and_know_no_optuna_or_mlflow() -> None:
    for path in files("trainables"):
        names = top_level(path)
        assert not names & {"optuna", "mlflow"}, path
        assert "ray" not in names or path.parent.name == "lane", path


def test_spaces_know_optuna_but_neither_ray_nor_torch() -> None:
    for path in files("search_spaces"):
        assert not top_level(path) & {"ray", "torch", "torchvision", "mlflow"}, path


def test_cluster_knows_no_torch() -> None:
    for path in files("cluster"):
        assert not top_level(path) & {"torch", "optuna", "mlflow"}, path


def test_only_a_rank_imports_what_a_rank_needs() -> None:
    """Seconds of every lane's start: its other processes start before the ranks, one by one."""
    for name in ("trial.py", "lane.py", "mailbox.py"):
        tree = ast.parse((ROOT / "trainables" / "lane" / name).read_text())
        above = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert "trainables.lane.worker" not in above, name


@pytest.mark.parametrize("package", PACKAGES)
def test_files_and_functions_stay_small(package: str) -> None:
    for path in files(package):
        text = path.read_text()
        assert text.count("\n") <= 250, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 80, f"{path}: {node.name}"


def test_make_ray_reads_every_test_that_starts_ray() -> None:
    """`make unit` leaves tests with Ray out, so those in another folder must be for `make slow`."""
    line = next(x for x in (ROOT / "Makefile").read_text().splitlines() if "RAY_TESTS :=" in x)
    read = [ROOT / folder for folder in line.partition(":= ")[2].split()]
    assert all(folder.is_dir() for folder in read)
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text()
        if path != Path(__file__) and not any(path.is_relative_to(folder) for folder in read):
            assert text.count("pytest.mark.ray") <= text.count("pytest.mark.slow"), path


def test_the_formatter_is_obeyed() -> None:
    skips = sum(
        path.read_text().count("# fmt: " + word)
        for package in (*PACKAGES, "tests")
        for path in files(package)
        for word in ("skip", "off")
    )
    assert skips < 20


def test_no_module_imports_torch_s_compiler() -> None:
    """Decorating with it does, and takes 1.6 s in each of a study's processes."""
    for path in files("trainables"):
        for line in path.read_text().splitlines():
            assert not line.lstrip().startswith(("@torch.compile", "import torch._")), path
