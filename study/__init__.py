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

    from study.plan import Plan

__all__ = ["make_plan", "results", "resume", "run_plan"]


def make_plan(**asked: Any) -> "Plan":
    """A plan from the command's own options, by their names: see ``study/notebook.py``."""
    from study import notebook

    return notebook.make_plan(**asked)


def run_plan(plan: "Plan", *, verbose: bool = False) -> "pandas.DataFrame":
    """Run a plan to its end and return its ``results``."""
    from study import notebook

    return notebook.run_plan(plan, verbose=verbose)


def resume(name: str, **where: Any) -> "pandas.DataFrame":
    """Go on with a study that was cut off and return its ``results``."""
    from study import notebook

    return notebook.resume(name, **where)


def results(name: str, storage: "Path | str | None" = None) -> "pandas.DataFrame":
    """One row a trial, from the ledger alone."""
    from study import notebook

    return notebook.results(name, storage)
