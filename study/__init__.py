"""Run studies from Python, on the same code as the command line::

    import study

    plan = study.make_plan(space="region", epochs=5, trials=10, changes={"data/height": 96})
    table = study.run_plan(plan)        # a pandas.DataFrame, one row per trial
    table = study.resume("NAME")        # resumes an interrupted study
    table = study.results("NAME")       # the same table again, from the ledger
    table = study.verdict("NAME")       # what is better than the baseline, by how much, how sure
    table = study.together("A", "B")    # comparisons of several datasets, and a new one's gain
    paths = study.predict("NAME", "IMAGES", out="MAPS")  # label maps of a folder of images

Each function imports what it needs, so that importing a ``study`` module stays fast.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    import pandas

    from study.ledger.plan import Plan

__all__ = ["make_plan", "predict", "results", "resume", "run_plan", "together", "verdict"]

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("cluster", "search_spaces", "trainables")


def _import_packages() -> None:
    """Import the packages beside this one, even if the caller's folder has files of these names.

    Raises:
        ImportError: the caller has already imported another module of such a name.
    """
    sys.path.insert(0, str(_ROOT))
    try:
        for name in _PACKAGES:
            _require_ours(import_module(name))
    finally:
        sys.path.remove(str(_ROOT))


def _require_ours(module: "ModuleType") -> None:
    if module.__file__ is None or _ROOT not in Path(module.__file__).resolve().parents:
        raise ImportError(
            f"{module.__name__} must be Edgewise's package in {_ROOT}, got {module.__file__}: "
            f"import study first, or rename that file"
        )


def make_plan(**options: object) -> "Plan":
    """Make a plan from the command's options, by their names; see ``commands/python_api.py``."""
    _import_packages()
    from study.commands import python_api

    return python_api.make_plan(**options)


def run_plan(plan: "Plan", *, verbose: bool = False) -> "pandas.DataFrame":
    """Run a plan to its end and return its ``results``."""
    _import_packages()
    from study.commands import python_api

    return python_api.run_plan(plan, verbose=verbose)


def resume(name: str, *, verbose: bool = False, **where: object) -> "pandas.DataFrame":
    """Resume an interrupted study and return its ``results``."""
    _import_packages()
    from study.commands import python_api

    return python_api.resume(name, verbose=verbose, **where)


def results(name: str, storage: Path | str | None = None) -> "pandas.DataFrame":
    """A study's trials as a table, one row per trial, from the ledger alone."""
    _import_packages()
    from study.commands import python_api

    return python_api.results(name, storage)


def verdict(name: str, storage: Path | str | None = None) -> "pandas.DataFrame":
    """A study's comparison as a table, one row per cell and metric; empty without one."""
    _import_packages()
    from study.commands import python_api

    return python_api.verdict(name, storage)


def together(
    *names: str,
    storage: Path | str | None = None,
    cells: str | None = None,
    smallest: float | None = None,
) -> "pandas.DataFrame":
    """Comparisons of different datasets in one model, as a table; see ``docs/together.md``."""
    _import_packages()
    from study.commands import python_api

    return python_api.together(*names, storage=storage, cells=cells, smallest=smallest)


def predict(network: str, folder: Path | str = "", **options: object) -> list[Path]:
    """Write label maps of images and return their paths; options as ``study/predict.py`` has them,
    ``list_name`` for ``--list``."""
    _import_packages()
    from study.commands import python_api

    return python_api.predict(network, folder, **options)
