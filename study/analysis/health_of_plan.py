"""Health of a study before it runs: what its plan varies in vain."""

from collections.abc import Sequence
from itertools import chain

from search_spaces import Space
from study.analysis import refinements
from study.analysis.finding import Finding
from study.ledger.plan import Plan
from trainables.config.later_fields import of_refinement


def findings(plan: Plan, space: Space, unread: Sequence[str]) -> list[Finding]:
    """What is doubtful about a plan.

    Args:
        plan: of the study.
        space: that a search draws from.
        unread: varied parameters of losses that no loss reads (``planning/canary.py``).
    """
    doubts = _one_value(plan, space), _same_cells(plan), _unread(unread), _unrefined(plan, space)
    return list(chain.from_iterable(doubts))


def varied(plan: Plan, space: Space) -> list[str]:
    """The paths that a study varies: those of its cells, and those that it searches."""
    if not plan.design.cells:
        return [dimension.path for dimension in space.dimensions]
    of_cells = (path for cell in plan.design.cells for path in cell.changes)
    searched = (d.path for cell in plan.design.cells for d in cell.searched)
    return list(dict.fromkeys([*of_cells, *searched]))


def _one_value(plan: Plan, space: Space) -> list[Finding]:
    dimensions = () if plan.design.cells else space.dimensions
    single = [d.path for d in dimensions if d.distribution.single()]
    if not single:
        return []
    advice = "give it a range, or set it with --set"
    return [Finding(f"searched, with one value to choose from: {', '.join(single)}", advice)]


def _same_cells(plan: Plan) -> list[Finding]:
    """Cells whose resolved configs are equal, that begin alike, and that search nothing."""
    by_config: dict[tuple[object, ...], list[str]] = {}
    for cell in plan.design.cells:
        if not cell.searched:
            config = (cell.after, *sorted(plan.resolve(cell.changes).items()))
            by_config.setdefault(config, []).append(cell.name)
    return [
        Finding(
            f"{' and '.join(names)} have the same config, so that their figures will be equal",
            "change a cell, or leave it out with --cells",
        )
        for names in by_config.values()
        if len(names) > 1
    ]


def _unread(paths: Sequence[str]) -> list[Finding]:
    if not paths:
        return []
    return [
        Finding(
            f"varied, and read by no loss of the study: {', '.join(paths)}",
            "turn its loss on (a weight of 0 turns it off), or do not vary it",
        )
    ]


def _unrefined(plan: Plan, space: Space) -> list[Finding]:
    """Fields of a refinement that cells vary, and that no cell's test is refined by."""
    sections = ["refine", *refinements.methods(plan)]
    idle = [
        path
        for path in varied(plan, space)
        if of_refinement(path) and path.partition("/")[0] not in sections
    ]
    if not idle:
        return []
    return [
        Finding(
            f"varied, and read by no test of the study: {', '.join(idle)}",
            f"--set refine/method={idle[0].partition('/')[0]}, or do not vary it",
        )
    ]
