"""Terminal output of an ablation: its cells before it runs, the table after it."""

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.markup import escape

from search_spaces import Cell, Grid, Space
from study.analysis import comparability, fold_protocol, protocol
from study.analysis.measured_epoch import after, beside
from study.analysis.results import AblationResults, SearchResults
from study.analysis.tables import Table
from study.analysis.training_budget import epochs_in_words
from study.ledger.plan import Plan
from study.reporting.sections import ablation_table, cell_search, horizon, reruns
from study.reporting.sections import task_gains as gains_section
from study.reporting.terminal import published
from study.reporting.terminal.plain_table import plain_table
from study.reporting.values import assignments, short_name
from trainables.config.words import counted

_STYLES = {"better": "green", "worse": "red", "same": "cyan", "undecided": "dim"}


def planned(plan: Plan, space: Space, images: Mapping[str, int]) -> RenderableType:
    """A table of every cell: its changes and what is missing to run it; then published figures."""
    design, grid = plan.ablation, plan.grid
    seeds = ("at most " if design.looks else "") + fold_protocol.units(plan)
    output = plain_table("cell", "changes", "runs")
    for cell in grid.cells:
        role = " (baseline)" if grid.is_baseline(cell.name) else ""
        searched = "".join(f" {short_name(d.path)}?" for d in cell.searched)
        changes = ", ".join(filter(None, (assignments(cell.changes) + searched, _after(cell))))
        runs = f"no: needs {cell.needs}" if cell.needs else f"on {seeds}"
        row = (cell.name + role, changes or "-", runs)
        output.add_row(*map(escape, row), style="dim" if cell.needs else "")
    apart = comparability.set_apart(plan, grid, images)
    return Group(output, *published.comparable(grid, apart), *published.apart(grid, apart))


def _after(cell: Cell) -> str:
    return f"after {cell.after!r}, from its network" if cell.after else ""


def facts(plan: Plan, left: int, lists: Mapping[str, str]) -> dict[str, str]:
    """The lines of the plan that only an ablation has."""
    grid, seeds = plan.grid, plan.design.seeds
    return {
        "grid": f"{grid.name}: {grid.source}",
        **cell_search.facts(plan, lists),
        "trials": f"{left} of {epochs_in_words(plan)}, batch {plan.base['batch']}: "
        f"{_cells(grid)} on {fold_protocol.units(plan)} ({_span(seeds)})",
        "compared by": f"{plan.objective} ({plan.mode}) on the {lists.get('test', 'test list')} "
        f"{after(plan)}, paired by {fold_protocol.paired_by(plan)} with "
        f"{' or '.join(map(repr, grid.baselines))}"
        f"{beside(plan)}",
        "significance": protocol.planned_power(plan),
        **_rule(plan),
    }


def _rule(plan: Plan) -> dict[str, str]:
    """The lines of planned looks and of the smallest effect that matters."""
    rule = {"looks": protocol.looks_planned(plan), "same": protocol.same_planned(plan)}
    if rule["looks"]:
        del rule["same"]  # said with them
    return {name: text.strip() for name, text in rule.items() if text}


def _cells(grid: Grid) -> str:
    runs = sum(not cell.needs for cell in grid.cells)
    return (f"{runs} of " if runs < len(grid.cells) else "") + counted(len(grid.cells), "cell")


def _span(seeds: tuple[int, ...]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def print_comparison(console: Console, results: AblationResults) -> None:
    """Print the objective's table with its protocol, then that of the other networks."""
    table = results.tables[0]
    _print_table(console, table)
    console.print(f"\n{escape(protocol.protocol(results.record, table))}", highlight=False)
    for sentence in horizon.lines(results):
        console.print(f"\n{escape(sentence)}", highlight=False)
    if results.other is not None:
        console.print(f"\n[bold]beside it[/]  {escape(ablation_table.beside(results.other))}\n")
        _print_table(console, results.other.tables[0])
        console.print()


def _print_gains(console: Console, results: AblationResults) -> None:
    """Print Delta_m of the cells of several tasks, if there is any."""
    if not (gains := results.task_gains):
        return
    sheet = gains_section.sheet(results, gains)
    output = plain_table(*map(escape, sheet.head))
    for line in sheet.rows:
        output.add_row(*map(escape, line))
    console.print(f"\n[bold]{gains_section.TITLE}[/]")
    console.print(output)
    console.print(f"\n{escape(gains_section.said(results, gains))}", highlight=False)


def _print_table(console: Console, table: Table) -> None:
    output = plain_table(*map(escape, ablation_table.heads(table)))
    for line in ablation_table.body(table):
        style = next((_STYLES[word] for word in line if word in _STYLES), "")
        output.add_row(*map(escape, line), style=style)
    console.print(output)


def print_result(
    console: Console,
    results: SearchResults | AblationResults,
    importance: Mapping[str, float],
) -> None:
    """Print the objective's table with its protocol; the other tables are in the report."""
    assert isinstance(results, AblationResults)
    record, table = results.record, results.tables[0]
    print_comparison(console, results)
    _print_gains(console, results)
    for line_of_cell in cell_search.lines(record):
        console.print(escape(line_of_cell), highlight=False)
    if (replayed := record.plan.ablation.replayed) is not None:
        verdict = reruns.replay_verdict(record, replayed)
        console.print(f"\n[bold]replay[/]  {escape(verdict)}", highlight=False)
    for note in ablation_table.notes(results):
        console.print(f"[yellow]{escape(note)}[/]", highlight=False)
    for block in published.apart(record.plan.grid, results.apart, table.metric):
        console.print(block)
    for lacking in ablation_table.not_run(record):
        console.print(f"not run: {lacking}", highlight=False, markup=False)
