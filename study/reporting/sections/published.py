"""The papers' figures that a study must not stand beside: tables of their own, with the reason."""

from search_spaces import Grid
from study.analysis import comparability
from study.analysis.comparability import Apart
from study.analysis.results import AblationResults
from study.reporting.document import Block, Prose, Section, Sheet
from trainables.config.words import counted, zero_without_sign
from trainables.metrics.catalog import METRICS

_DIGITS = 4
"""Significant digits of a published figure that is neither a share nor in the catalogue."""


def sections(results: AblationResults) -> list[Section]:
    """One section with a table for each setup; none if all figures are comparable."""
    grid = results.record.plan.grid
    blocks: list[Block] = []
    for apart in results.apart:
        blocks += [Prose(f"{apart.title()}. {apart.reason()}"), Sheet(*sheet(grid, apart.name))]
        blocks += by_class(grid, apart.name)
    return [Section("Published, not measured as here", blocks, 3)] if blocks else []


def by_class(grid: Grid, name: str) -> list[Block]:
    """A setup's figures by class, a table for each metric that has any."""
    cells = {cell.name: cell.class_published.get(name, {}) for cell in grid.cells}
    blocks: list[Block] = []
    for metric in dict.fromkeys(metric for rows in cells.values() for metric in rows):
        figures = {cell: rows[metric] for cell, rows in cells.items() if metric in rows}
        classes = dict.fromkeys(label for row in figures.values() for label in row)
        known = "miou" if metric == "iou" else metric
        body = [
            [label, *(formatted(known, row.get(label)) for row in figures.values())]
            for label in classes
        ]
        blocks += [Prose(f"`{metric}` by class:"), Sheet(["class", *figures], body)]
    return blocks


def remarks(results: AblationResults) -> list[str]:
    """Say of every published column whether it was measured as the study measures."""
    grid = results.record.plan.grid
    beside = comparable_words(grid, results.apart)
    count = len(results.apart)
    apart = f"{counted(count, 'published setup')} not measured as here: in a table apart, with why."
    return [*beside, *([apart] if count else [])]


def comparable_words(grid: Grid, apart: tuple[Apart, ...]) -> list[str]:
    """A line for every setup that a study measures as the paper did."""
    parts, shown = {found.name for found in apart}, grid.setup_names()
    return [
        f"Measured as here: the published figures of {setup.words()}. How the paper trained, and "
        f"its code, may differ."
        for setup in grid.setups
        if setup.name in shown and setup.name not in parts and setup.network
    ]


def sheet(grid: Grid, name: str, only: tuple[str, ...] = ()) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of a setup's figures; a cell without any has no row.

    Args:
        only: the metrics to show; empty for all.
    """
    metrics = [m for m in comparability.metrics_of(grid, name) if m in only or not only]
    head = ["cell"] + [text for metric in metrics for text in (_head(metric), "its delta")]
    rows = []
    for cell in grid.cells:
        base, texts = grid.cell(grid.baseline_of(cell.name)), []
        for metric in metrics:
            delta = comparability.gain(cell, base, name, metric)
            texts += [
                formatted(metric, comparability.figure(cell, name, metric)),
                formatted(metric, delta, sign=True),
            ]
        if set(texts) != {"-"}:
            rows.append([cell.name, *texts])
    return head, rows


def formatted(metric: str, value: float | None, *, sign: bool = False) -> str:
    """A figure in percent or its unit, with a sign if it is a difference; a dash for None."""
    if value is None:
        return "-"
    plus = "+" if sign else ""
    if metric not in METRICS:
        return f"{value:{plus}.{_DIGITS}g}"
    share = comparability.in_percent(metric)
    shown, digits = (100 * value, 2) if share else (value, 3)
    return zero_without_sign(f"{shown:{plus}.{digits}f}")


def _head(metric: str) -> str:
    unit = METRICS[metric].unit if metric in METRICS else ""
    return f"{metric} {'%' if unit == 'fraction' else unit}".strip()
