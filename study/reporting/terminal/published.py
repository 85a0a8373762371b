"""Terminal output of published figures: measured as here, or apart with the reason."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from search_spaces import Grid
from study.analysis import comparability
from study.analysis.comparability import Apart
from study.reporting.sections import published
from study.reporting.terminal.plain_table import plain_table


def comparable(grid: Grid, apart: Sequence[Apart]) -> list[RenderableType]:
    """The figures of the setups that the study will measure as they were."""
    beside = set(grid.setup_names()) - {found.name for found in apart}
    shown: list[RenderableType] = []
    for setup in grid.setups:
        if setup.name in beside and setup.network:
            words = f"Published, measured as here, for {setup.words()}"
            shown += [Text(f"\n{words}", style="bold"), figures(grid, setup.name)]
    return shown


def apart(grid: Grid, found: Sequence[Apart], *only: str) -> list[RenderableType]:
    """The figures of the other setups, and why they stand apart.

    Args:
        only: the metrics to show; all if none is named.
    """
    shown: list[RenderableType] = []
    for each in found:
        if not only or set(only) & set(comparability.metrics_of(grid, each.name)):
            title = Text(f"\n{each.title()}", style="bold")
            shown += [title, Text(each.reason()), figures(grid, each.name, *only)]
    return shown


def figures(grid: Grid, name: str, *only: str) -> RenderableType:
    """A setup's figures by cell, with their differences from the baseline."""
    head, rows = published.sheet(grid, name, only)
    output = plain_table(*map(escape, head))
    for row in rows:
        output.add_row(*map(escape, row))
    return output
