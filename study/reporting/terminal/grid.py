"""What a person reads of a grid in the terminal: the cells before it, the table after it."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from search_spaces.grid import Cell, Grid
from study.analysis import tables
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.reporting.sections import ablation_table, cell_search, reruns
from study.reporting.values import formatted as brief

_LIKE_STYLE = {"better": "green", "worse": "red", "undecided": "dim"}


def planned(plan: Plan) -> Table:
    """Every cell: what it changes, the paper's figures, and what it lacks."""
    grid, metric = plan.grid, plan.objective
    assert grid is not None
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in (
        "cell",
        "changes",
        f"reported {metric}{' %' if tables.is_share(metric) else ''}",
        "runs",
    ):
        shown.add_column(name, overflow="fold")
    for cell in grid.cells:
        role = " (baseline)" if cell.name == grid.baseline else ""
        changes = " ".join(f"{p.split('/')[-1]}={brief(v)}" for p, v in cell.changes.items())
        changes += "".join(f" {d.path.split('/')[-1]}?" for d in cell.searched)
        runs = f"no: needs {cell.needs}" if cell.needs else f"on {len(plan.seeds)} seeds"
        row = (cell.name + role, changes or "-", _published(cell, metric), runs)
        shown.add_row(*map(escape, row), style="dim" if cell.needs else "")
    return shown


def _published(cell: Cell, metric: str) -> str:
    scale = 100 if tables.is_share(metric) else 1
    found = [
        f"{setup} {scale * row[metric]:.2f}"
        for setup, row in cell.published.items()
        if metric in row
    ]
    return "; ".join(found) or "-"


def facts(plan: Plan, left: int) -> dict[str, str]:
    """The plan's lines that a grid has and a search has not."""
    grid = plan.grid
    assert grid is not None
    return {
        "grid": f"{grid.name}: {grid.source}",
        **cell_search.facts(plan),
        "trials": f"{left} of {plan.base.epochs} epochs, batch {plan.base.batch}: "
        f"{_cells(grid)} on {len(plan.seeds)} seeds ({_span(plan.seeds)})",
        "compared by": f"{plan.objective} ({plan.mode}) on the test list after the last epoch, "
        f"paired by seed with {grid.baseline!r}",
        "significance": tables.seeds_message(len(plan.seeds), tables.comparisons(grid)),
    }


def _cells(grid: Grid) -> str:
    runs = sum(not cell.needs for cell in grid.cells)
    return f"{runs} of {len(grid.cells)} cells" if runs < len(grid.cells) else f"{runs} cells"


def _span(seeds: tuple[int, ...]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def print_table(console: Console, record: StudyRecord) -> None:
    """The objective's table and its protocol; the others are in the report."""
    table = tables.metric_tables(record)[0]
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ablation_table.heads(table):
        shown.add_column(escape(name), overflow="fold")
    for line in ablation_table.body(table):
        style = next((_LIKE_STYLE[word] for word in line if word in _LIKE_STYLE), "")
        shown.add_row(*map(escape, line), style=style)
    console.print(shown)
    console.print(f"\n{escape(tables.protocol(record, table))}", highlight=False)
    for found in cell_search.lines(record):
        console.print(escape(found), highlight=False)
    if "replay" in record.plan:
        console.print(f"\n[bold]then and now[/]  {reruns.replay_verdict(record)}", highlight=False)
    for note in ablation_table.notes(record):
        console.print(f"[yellow]{escape(note)}[/]", highlight=False)
    for cell in record.plan["grid"]["cells"]:
        if cell["needs"]:
            console.print(f"not run: {cell['name']}: needs {cell['needs']}", highlight=False)
