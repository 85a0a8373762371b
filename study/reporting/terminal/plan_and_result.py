"""What a person reads: the plan before a study, the result after it, and what can be asked."""

import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from search_spaces import Space
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.planning.budget import duration
from study.reporting.sections import pareto
from study.reporting.sections.report import HEADLINE, tie
from study.reporting.terminal import grid
from study.reporting.values import parameters, percent
from trainables.data import Dataset
from trainables.networks.segmentation import transfer_report

_SHOWN_TRIALS = 10


def print_plan(
    console: Console,
    plan: Plan,
    space: Space,
    dataset: Dataset,
    *,
    forecast_s: float,
    epoch_s: float,
    stages: int,
    left: int,
    more: Mapping[str, str],
) -> None:
    """The question, what will run, and how long that takes; ``more`` are further lines."""
    console.print(f"\n[bold]{plan.question}[/]\n")
    console.print(grid.planned(plan) if plan.grid else _searched(space))
    counts = ", ".join(f"{len(part)} {split}" for split, part in dataset.splits.items())
    rows, columns = dataset.size
    base = plan.base
    network: str = base.model.network
    if network in ("unet", "fpn"):
        network += f" on {base.model.encoder}"
    if network != "tiny":
        network += f": {transfer_report(base.model)}"
    how = f"{plan.lanes} lanes of {plan.workers} worker{'s' if plan.workers > 1 else ''}"
    places = f" ({plan.places})" if plan.places else ""
    for name, text in {
        "study": f"{plan.study} in {plan.folder}",
        "data": f"{dataset.name}: {counts}; {columns}x{rows}, {dataset.num_classes} classes, "
        f"digest {dataset.digest}",
        "network": network,
        **({"parts": f"{plan.parts.name}, digest {plan.parts.digest}"} if plan.parts else {}),
        **(grid.facts(plan, left) if plan.grid else _search_facts(plan, left)),
        "runs on": f"{how}{places}; {_stages(stages)}",
        "recorded in": plan.tracking_uri,
        "forecast": f"{duration(forecast_s)} if no trial is pruned "
        f"({epoch_s:.1f} s an epoch, measured on this machine)",
        **more,
    }.items():
        console.print(f"[bold]{name:>12}[/]  {text}", highlight=False, soft_wrap=True)
    console.print()


def _stages(count: int) -> str:
    if count == 0:
        return "no stages"
    return f"up to {count} stage{'s' if count > 1 else ''}, each by the first trial that needs it"


def _searched(space: Space) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("searched", "range", "why"):
        table.add_column(name)
    for dimension in space.dimensions:
        table.add_row(dimension.path, dimension.bounds(), dimension.why)
    return table


def _search_facts(plan: Plan, left: int) -> dict[str, str]:
    return {
        "trials": f"{left} of up to {plan.base.epochs} epochs, batch {plan.base.batch}; "
        f"{plan.sampler}, scheduler {plan.scheduler}, seed {plan.seed}",
        "ranked by": f"{_aims(plan)} on the validation list after the last epoch",
    }


def _aims(plan: Plan) -> str:
    """What is sought, and in which direction."""
    aims = plan.objectives or {plan.objective: plan.mode}
    named = " and ".join(f"{name} ({mode})" for name, mode in aims.items())
    return f"the Pareto set of {named}" if plan.objectives else named


def print_result(
    console: Console,
    plan: Plan,
    record: StudyRecord,
    importance: dict[str, float],
    checkpoint: Path | None,
) -> None:
    """What came out, and the commands to go on with."""
    if plan.grid is not None:
        grid.print_table(console, record)
    else:
        _print_ranking(console, record, importance)
    console.print(f"\nstudy took {duration(record.last_time - record.first_time)}")
    for name, text in {
        "browse": browse_command(plan.tracking_uri),
        "report": plan.folder / "report" / "report.md",
        "ledger": plan.folder / "ledger.jsonl",
        **({} if plan.grid else {"best": checkpoint or "no checkpoint"}),
    }.items():
        console.print(f"[bold]{name:>8}[/]  {text}", highlight=False, soft_wrap=True)


def _print_ranking(console: Console, record: StudyRecord, importance: dict[str, float]) -> None:
    """The ranking, and which parameter mattered."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=None)
    for name in ("#", "trial", *HEADLINE, "epochs", "state", "parameters"):
        table.add_column(name, overflow="fold")
    ranked = record.ranking()
    for place, trial in enumerate(ranked[:_SHOWN_TRIALS], start=1):
        metrics = [percent(trial.metrics.get(name)) for name in HEADLINE]
        table.add_row(
            str(place),
            str(trial.number),
            *metrics,
            str(trial.last_epoch),
            trial.state,
            parameters(trial),
        )
    console.print(table)
    if len(ranked) > _SHOWN_TRIALS:
        console.print(f"... and {len(ranked) - _SHOWN_TRIALS} more in the report")
    for trial in record.in_state("failed"):
        assert trial.failure is not None
        reason = trial.failure["message"].splitlines()[:1]
        console.print(f"trial {trial.number} failed: {trial.failure['kind']}: {''.join(reason)}")
    if len(record.objectives) > 1:
        _print_front(console, record)
    elif record.tested is not None:
        tested = ", ".join(
            f"{name} {percent(record.tested['metrics'].get(f'test_{name}'))}" for name in HEADLINE
        )
        console.print(
            f"\n[bold]winner on the test list[/] (trial {record.tested['trial']}), in %: "
            f"{tested}.{tie(record)}",
            highlight=False,
        )
    if importance:
        of = record.plan["objective"]
        shares = ", ".join(f"{path} {share:.2f}" for path, share in importance.items())
        console.print(f"[bold]importance[/] (share of {of}'s variance): {shares}", highlight=False)


def _print_front(console: Console, record: StudyRecord) -> None:
    heads, cells = pareto.rows(record)
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in cells:
        table.add_row(*row)
    console.print(f"\n[bold]Pareto set[/] of {' and '.join(record.objectives)}", highlight=False)
    console.print(table)


def browse_command(tracking_uri: str) -> str:
    """What to type, or where to look, to see a study in MLflow."""
    if tracking_uri.startswith("http"):
        return f"open {tracking_uri}"
    mlflow = Path(sys.executable).with_name("mlflow")
    return f"{mlflow} ui --host 127.0.0.1 --backend-store-uri {tracking_uri}"
