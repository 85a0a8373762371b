"""Terminal output of a search: its dimensions before it runs, the ranking after it."""

from collections.abc import Mapping

from rich.console import Console, RenderableType
from rich.markup import escape

from search_spaces import Space
from study.analysis import protocol
from study.analysis.measured_epoch import after, beside
from study.analysis.results import AblationResults, SearchResults
from study.analysis.units import unit_in
from study.ledger.design import CONFIRMED
from study.ledger.plan import Plan
from study.reporting.sections import pareto
from study.reporting.sections.ranked import tie
from study.reporting.terminal import grid
from study.reporting.terminal.plain_table import plain_table
from study.reporting.values import headline, is_share, metric_value, parameters, with_unit
from trainables.config.words import counted

_SHOWN_TRIALS = 10


def planned(plan: Plan, space: Space, images: Mapping[str, int]) -> RenderableType:
    """A table of every searched parameter with its range and the reason for it."""
    table = plain_table("searched", "range", "why")
    for dimension in space.dimensions:
        table.add_row(*map(escape, (dimension.path, dimension.bounds(), dimension.why)))
    return table


def facts(plan: Plan, left: int, lists: Mapping[str, str]) -> dict[str, str]:
    """The lines of the plan that only a search has."""
    design = plan.design
    named = " and ".join(f"{name} ({mode})" for name, mode in plan.objectives.items())
    aims = f"the Pareto set of {named}" if len(plan.objectives) > 1 else named
    runs = len(CONFIRMED) * len(plan.search.confirm)
    of_both = f" ({plan.search.trials} of the search, {runs} to confirm its winner)" if runs else ""
    return {
        **_confirmation(plan, lists),
        "trials": f"{left}{of_both} of {counted(plan.epochs, 'epoch')}, batch "
        f"{plan.base['batch']}; {design.sampler}, scheduler {design.scheduler}, seed {plan.seed}",
        "ranked by": f"{aims} on the {lists.get('val', 'validation list')} {after(plan)}"
        f"{beside(plan)}",
    }


def _confirmation(plan: Plan, lists: Mapping[str, str]) -> dict[str, str]:
    """The plan's line about the winner's confirmation; none without one."""
    seeds = plan.search.confirm
    if not seeds:
        return {}
    return {
        "then": f"the winner against the same training without the searched losses, "
        f"{len(CONFIRMED) * len(seeds)} runs on {counted(len(seeds), 'other seed')}, on the "
        f"{lists.get('test', 'test list')}. "
        f"{protocol.seeds_message(len(seeds), 1, plan.correction)}"
        f"{protocol.same_planned(plan)}"
    }


def print_result(
    console: Console,
    results: SearchResults | AblationResults,
    importance: Mapping[str, float],
) -> None:
    """Print the ranking, the winner on the test list and the parameters' importance."""
    assert isinstance(results, SearchResults)
    if results.confirmation is not None:
        grid.print_comparison(console, results.confirmation)
        console.print("\n[bold]the search[/], on the seed that chose the winner")
    _print_trials(console, results)
    best, plan = results.best, results.record.plan
    where = results.record.data.list_name("test")
    if results.ranking and len(plan.objectives) > 1:
        _print_front(console, results)
    elif best is not None and best.tested is not None:
        fractions = all(map(is_share, headline(plan)))
        figures = [
            f"{name} {metric_value(name, value) if fractions else _stated(results, name, value)}"
            for name in headline(plan)
            for value in [best.tested.get(f"test_{name}")]
        ]
        percent = ", in %" if fractions else ""
        console.print(
            f"\n[bold]winner on the {escape(where)}[/] (trial {best.number}){percent}: "
            f"{', '.join(figures)}.{tie(results)}",
            highlight=False,
        )
    if importance:
        named = ", ".join(f"{path} {share:.2f}" for path, share in importance.items())
        console.print(
            f"[bold]importance[/] (share of {plan.objective}'s variance over "
            f"{counted(len(results.record.in_state('complete')), 'trial')}): {named}",
            highlight=False,
        )


def _named(results: SearchResults, metric: str) -> str:
    """A metric's name; with its unit unless that is percent."""
    return metric if is_share(metric) else f"{metric} {unit_in(results.record, metric)}"


def _stated(results: SearchResults, metric: str, value: float | None) -> str:
    return with_unit(metric, value, unit_in(results.record, metric))


def _print_trials(console: Console, results: SearchResults) -> None:
    shown = headline(results.record.plan)
    names = [_named(results, name) for name in shown]
    table = plain_table("#", "trial", *names, "epochs", "state", "parameters")
    ranked = results.ranking
    for place, trial in enumerate(ranked[:_SHOWN_TRIALS], start=1):
        metrics = [metric_value(name, trial.metrics.get(name)) for name in shown]
        epochs, number = str(trial.last_epoch), str(trial.number)
        table.add_row(str(place), number, *metrics, epochs, trial.state, escape(parameters(trial)))
    if ranked:
        console.print(table)
    if len(ranked) > _SHOWN_TRIALS:
        console.print(f"... and {len(ranked) - _SHOWN_TRIALS} more in the report")
    for trial in results.record.in_state("failed"):
        assert trial.failure is not None
        kind, reason = trial.failure.kind, trial.failure.first_line
        console.print(f"trial {trial.number} failed: {kind}: {reason}", markup=False)


def _print_front(console: Console, results: SearchResults) -> None:
    heads, cells = pareto.rows(results)
    table = plain_table(*heads)
    for row in cells:
        table.add_row(*map(escape, row))
    objectives = " and ".join(results.record.plan.objectives)
    console.print(f"\n[bold]Pareto set[/] of {objectives}", highlight=False)
    console.print(table)
