"""Run studies from Python, on the same code as the command line::

    import study

    plan = study.make_plan(space="region", epochs=5, trials=10, changes={"data/height": 96})
    table = study.run_plan(plan)        # a pandas.DataFrame, one row per trial
    table = study.resume("NAME")        # resumes an interrupted study
    table = study.results("NAME")       # the same table again, from the ledger

Each function imports what it needs, so that importing a ``study`` module stays fast.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas

    from study.ledger.plan import Plan

__all__ = ["make_plan", "results", "resume", "run_plan"]


def make_plan(**options: object) -> "Plan":
    """Make a plan from the command's options, by their names; see ``commands/python_api.py``."""
    from study.commands import python_api

    return python_api.make_plan(**options)


def run_plan(plan: "Plan", *, verbose: bool = False) -> "pandas.DataFrame":
    """Run a plan to its end and return its ``results``."""
    from study.commands import python_api

    return python_api.run_plan(plan, verbose=verbose)


def resume(name: str, *, verbose: bool = False, **where: object) -> "pandas.DataFrame":
    """Resume an interrupted study and return its ``results``."""
    from study.commands import python_api

    return python_api.resume(name, verbose=verbose, **where)


def results(name: str, storage: "Path | str | None" = None) -> "pandas.DataFrame":
    """A study's trials as a table, one row per trial, from the ledger alone."""
    from study.commands import python_api

    return python_api.results(name, storage)
