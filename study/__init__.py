"""Studies from Python, as the command makes them::

    import study

    plan = study.make_plan(space="region", epochs=5, trials=10, changes={"data/height": 96})
    table = study.run_plan(plan)        # a pandas.DataFrame, one row a trial
    table = study.resume("NAME")        # goes on with what was cut off
    table = study.results("NAME")       # the same table again, from the ledger

Nothing is imported before it is used: the command line answers at once.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pandas

    from study.ledger.plan import Plan

__all__ = ["make_plan", "results", "resume", "run_plan"]


def make_plan(**asked: Any) -> "Plan":
    """A plan from the command's own options, by their names: ``commands/python_api.py``."""
    from study.commands import python_api

    return python_api.make_plan(**asked)


def run_plan(plan: "Plan", *, verbose: bool = False) -> "pandas.DataFrame":
    """Run a plan to its end and return its ``results``."""
    from study.commands import python_api

    return python_api.run_plan(plan, verbose=verbose)


def resume(name: str, **where: Any) -> "pandas.DataFrame":
    """Go on with a study that was cut off and return its ``results``."""
    from study.commands import python_api

    return python_api.resume(name, **where)


def results(name: str, storage: "Path | str | None" = None) -> "pandas.DataFrame":
    """One row a trial, from the ledger alone."""
    from study.commands import python_api

    return python_api.results(name, storage)
