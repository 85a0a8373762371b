"""A study's report, from its ledger alone: `python study/report.py NAME [--rebuild-mlflow]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from search_spaces import SPACES
from study import arms_text, budget, figures, own_parts, pareto, table_text, then_and_now
from study.ledger import FILE, LedgerError, read
from study.mlflow_sink import MlflowSink
from study.options import OneLineParser, storage_of, tracking_uri_of
from study.plan import check_name
from study.ranking import importances
from study.record import StudyRecord, TrialRecord
from study.storage import require_known

HEADLINE = ("miou", "pixel_accuracy", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
"""Metrics that tables show; the ledger and MLflow have all of them."""


def load(folder: Path) -> StudyRecord:
    """The record of the study in a folder.

    Raises:
        FileNotFoundError: there is no ledger.
        LedgerError: it cannot be read.
    """
    record = StudyRecord()
    for event in read(folder / FILE)[0]:
        record.apply(event)
    if not record.plan:
        raise LedgerError(f"{folder / FILE}: holds no plan: the study never began; start it anew")
    return record


def write(record: StudyRecord, folder: Path) -> list[Path]:
    """Write ``report.md`` and its figures; the same ledger gives the same text."""
    space = SPACES[record.plan["space"]]
    target = folder / "report"
    plots = figures.draw(record.compared(), space, target)
    page = target / "report.md"
    if "grid" in record.plan:
        page.write_text(ablation(record))
        return [page, *_write_tables(record, target), *plots]
    page.write_text(markdown(record))
    return [page, *plots]


def _write_tables(record: StudyRecord, folder: Path) -> list[Path]:
    texts = {
        "table.md": table_text.markdown(record), "table.csv": table_text.comma_separated(record),
        "table.tex": table_text.latex(record),
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


def ablation(record: StudyRecord) -> str:
    """A grid's report as text: the table, what failed, the curves."""
    plan = record.plan
    parts = [
        f"# {plan['study']}",
        plan["question"],
        f"Grid `{plan['grid']['name']}` of `{plan['space']}` on `{plan['data']['dataset']}`: "
        f"{plan['trials']} trials, {counts(record) or 'none run'}.",
        *([f"Not all of it ran: {budget.stated(record)}."] if record.budget_spent else []),
        table_text.markdown(record).rstrip(),
        *arms_text.section(record),
    ]
    if "replay" in plan:
        parts += ["## Then and now", then_and_now.markdown(record)]
    failed = record.in_state("failed")
    if failed:
        parts += ["## Failed", "\n".join(_failure(trial) for trial in failed)]
    return "\n\n".join([*parts, "![learning curves](learning_curves.png)"]) + "\n"


def counts(record: StudyRecord) -> str:
    """How many trials are in which state."""
    return ", ".join(
        f"{len(record.in_state(state))} {state}"
        for state in ("complete", "pruned", "failed", "running")
        if record.in_state(state)
    )


def markdown(record: StudyRecord) -> str:
    """The report as text."""
    plan, best = record.plan, record.best()
    parts = [
        f"# {plan['study']}",
        plan["question"],
        f"Space `{plan['space']}` on `{plan['data']['dataset']}`, digest {plan['data']['digest']}. "
        f"{plan['trials']} trials of up to {plan['base']['epochs']} epochs: "
        f"{counts(record) or 'none'}.",
        f"Ranked by {aims(record)} on the validation list after the last "
        f"epoch; pruned trials come last. Sampler {plan['sampler']}, scheduler "
        f"{plan['scheduler']}, seed {plan['seed']}.",
        *([f"Not all of it ran: {budget.stated(record)}."] if record.budget_spent else []),
        "## Ranking",
        ranking_table(record.ranking(), list(_params(record))),
    ]
    if len(record.objectives) > 1:
        parts += ["## Pareto set", pareto.markdown(record)]
    elif best is not None and record.tested is not None:
        parts += ["## The winner on the test list", _tested(record)]
    weights = importances(record, SPACES[plan["space"]])
    if weights:
        rows = "\n".join(f"| `{path}` | {share:.2f} |" for path, share in weights.items())
        parts += [
            f"## Importance for {plan['objective']}",
            "| parameter | share of variance |\n|---|---|\n" + rows,
        ]
    failed = record.in_state("failed")
    if failed:
        parts += ["## Failed", "\n".join(_failure(trial) for trial in failed)]
    parts += ["![learning curves](learning_curves.png)", "![slices](slices.png)"]
    return "\n\n".join(parts) + "\n"


def aims(record: StudyRecord) -> str:
    """What ranks the trials."""
    named = " and ".join(f"`{name}` ({mode})" for name, mode in record.objectives.items())
    several = len(record.objectives) > 1
    return f"the Pareto layer of {named}, within it by the first," if several else named


def _params(record: StudyRecord) -> dict[str, None]:
    """Searched paths, in the space's order."""
    return {dimension.path: None for dimension in SPACES[record.plan["space"]].dimensions}


def ranking_table(trials: list[TrialRecord], paths: list[str]) -> str:
    """Markdown; metrics in percent."""
    head = ["#", "trial", *paths, *(f"{name} %" for name in HEADLINE), "epochs", "state"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for place, trial in enumerate(trials, start=1):
        params = [shown(trial.params.get(path)) for path in paths]
        metrics = [percent(trial.metrics.get(name)) for name in HEADLINE]
        row = [str(place), str(trial.number), *params, *metrics, str(trial.last_epoch), trial.state]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def _tested(record: StudyRecord) -> str:
    assert record.tested is not None
    metrics = record.tested["metrics"]
    rows = [f"| {name} | {percent(metrics.get(f'test_{name}'))} |" for name in HEADLINE]
    return f"Trial {record.tested['trial']}, chosen on the validation list.\n\n| metric | % |\n" + (
        "|---|---|\n" + "\n".join(rows)
    )


def _failure(trial: TrialRecord) -> str:
    assert trial.failure is not None
    first = trial.failure["message"].splitlines()[0] if trial.failure["message"] else ""
    where = f" ({trial.cell}, seed {trial.seed})" if trial.cell else ""
    return f"- trial {trial.number}{where}: {trial.failure['kind']}: {first}"


def percent(value: float | None) -> str:
    """A fraction as people print it; a dash for none."""
    return "-" if value is None else f"{100 * value:.2f}"


def shown(value: object) -> str:
    """A parameter in a table."""
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line for what a user can mend."""
    parser = OneLineParser(prog="study/report.py", description="A study's report, made again.")
    parser.add_argument("name", help="of the study")
    parser.add_argument("--storage", type=Path, help="folder of studies, default ./runs")
    parser.add_argument("--tracking-uri", help="MLflow; default: sqlite:///mlflow.db")
    parser.add_argument("--rebuild-mlflow", action="store_true", help="write all runs anew")
    given = parser.parse_args(arguments)
    try:
        check_name(given.name)
        folder = storage_of(given) / given.name
        require_known("NAME", folder)
        record = load(folder)
        own_parts.from_plan(record.plan)
    except ValueError as error:
        print(f"study/report.py: {error}", file=sys.stderr)
        return 2
    files = write(record, folder)
    print(files[0])
    if given.rebuild_mlflow:
        return _rebuild(record, folder, tracking_uri_of(given), files)
    return 0


def _rebuild(record: StudyRecord, folder: Path, uri: str, files: list[Path]) -> int:
    def keepsakes(trial: TrialRecord) -> list[Path]:
        name = f"trial-{trial.number:04d}"
        return [*sorted((folder / "pictures" / name).glob("*.png")),
                *(folder / "counts").glob(f"{name}.npz")]  # fmt: skip

    sink = MlflowSink(uri, record, keepsakes)
    sink.rebuild()
    model = folder / "model"
    complaint = sink.close(files, model if model.exists() else None, patience_s=3600)
    print(complaint or f"{len(record.trials)} runs in {uri}")
    return 1 if complaint else 0


if __name__ == "__main__":
    sys.exit(main())
