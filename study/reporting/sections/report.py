"""What a report says, in its order, from the record and what lies beside the ledger."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from search_spaces import SPACES
from study.ledger.record import StudyRecord, TrialRecord
from study.planning import budget
from study.reporting.document import Block, Picture, Points, Prose, Section, Sheet
from study.reporting.sections import ablation_table, cell_search, cost, pareto, per_class, reruns
from study.reporting.values import formatted, percent
from study.search.importance import importances

HEADLINE = ("miou", "pixel_accuracy", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
"""Metrics that tables show; the ledger has all of them."""
Parts = list[Block | Section]


def whole(record: StudyRecord, study: Path, plots: Mapping[str, Path]) -> Parts:
    """The report of a search or a grid, its title and question left out.

    Args:
        study: the study's folder.
        plots: files of ``figures.draw``.
    """
    first = _grid(record, study) if "grid" in record.plan else _search(record, study)
    return [*first, *_plots(record, plots), *_test_images(study), *_failed(record)]


def _grid(record: StudyRecord, study: Path) -> Parts:
    plan = record.plan
    return [
        Prose(
            f"Grid `{plan['grid']['name']}` of `{plan['space']}` on `{plan['data']['dataset']}`: "
            f"{plan['trials']} trials, {counts(record) or 'none run'}."
        ),
        *_cut_short(record),
        *reruns.replay_section(record),
        *ablation_table.parts(record),
        *cell_search.section(record),
        *per_class.of_grid(record, study),
        *cost.section(record),
    ]


def _search(record: StudyRecord, study: Path) -> Parts:
    plan = record.plan
    parts: Parts = [
        Prose(
            f"Space `{plan['space']}` on `{plan['data']['dataset']}`, digest "
            f"{plan['data']['digest']}. {plan['trials']} trials of up to "
            f"{plan['base']['epochs']} epochs: {counts(record) or 'none'}."
        ),
        Prose(
            f"Ranked by {aims(record)} on the validation list after the last epoch; pruned "
            f"trials come last. Sampler {plan['sampler']}, scheduler {plan['scheduler']}, seed "
            f"{plan['seed']}."
        ),
        *_cut_short(record),
    ]
    if len(record.objectives) > 1:
        parts.append(Section("Pareto set", [Sheet(*pareto.rows(record))]))
    elif record.best() is not None:
        parts += _winner(record)
    parts += reruns.rerun_section(record, study)
    paths = [dimension.path for dimension in SPACES[plan["space"]].dimensions]
    parts.append(Section("Ranking", [ranking(record.ranking(), paths)]))
    shares = importances(record, SPACES[plan["space"]])
    if shares:
        rows = [[f"`{path}`", f"{share:.2f}"] for path, share in shares.items()]
        parts.append(
            Section(
                f"Importance for `{plan['objective']}`",
                [
                    Prose("Share of the variance over trials that ran all epochs (fANOVA)."),
                    Sheet(["parameter", "share of variance"], rows),
                ],
            )
        )
    return [*parts, *per_class.of_search(record, study)]


def _cut_short(record: StudyRecord) -> Parts:
    if not record.budget_spent:
        return []
    return [Prose(f"Not all of it ran: {budget.stated(record)}.")]


def _winner(record: StudyRecord) -> Parts:
    """What was chosen, and what it comes to where it chose nothing."""
    best = record.best()
    assert best is not None
    tested = (record.tested or {}).get("metrics")
    if tested is None:
        return []
    rows = [
        [name, percent(best.metrics.get(name)), percent(tested.get(f"test_{name}"))]
        for name in HEADLINE
    ]
    params = ", ".join(f"`{path}` {formatted(value)}" for path, value in best.params.items())
    return [
        Section(
            "The winner on the test list",
            [
                Prose(
                    f"Trial {best.number}, chosen on the validation list: {params}.{tie(record)}"
                ),
                Sheet(["metric", "validation %", "test %"], rows),
            ],
        )
    ]


def tie(record: StudyRecord) -> str:
    """What to make of a winner that others equal; "" where none does."""
    if record.tied() < 2:
        return ""
    return (
        f" {record.tied()} trials have this very {record.plan['objective']}: the ranking says "
        f"nothing about them."
    )


def ranking(trials: list[TrialRecord], paths: list[str]) -> Sheet:
    """All that have a value; metrics in percent."""
    head = ["#", "trial", *paths, *(f"{name} %" for name in HEADLINE), "epochs", "state"]
    rows = []
    for place, trial in enumerate(trials, start=1):
        params = [formatted(trial.params.get(path)) for path in paths]
        metrics = [percent(trial.metrics.get(name)) for name in HEADLINE]
        rows.append(
            [str(place), str(trial.number), *params, *metrics, str(trial.last_epoch), trial.state]
        )
    return Sheet(head, rows)


_CAPTIONS = {
    "differences": (
        "Differences",
        "Cells against the baseline, paired by seed: small points are "
        "seeds, lines the intervals of the tables.",
    ),
    "learning_curves": ("Learning curves", "By epoch, on the validation list."),
    "slices": (
        "Slices",
        "After the last epoch, by each searched parameter; the star is the best, grey was pruned.",
    ),
    "trade_off": (
        "Area and boundary",
        "Trials that ran all epochs, and the front of those that no other beats in both.",
    ),
    "trimap": (
        "Around edges",
        "mIoU inside and outside a band around true edges, by its width (SEMEDA, Figure 5).",
    ),
}


def _plots(record: StudyRecord, plots: Mapping[str, Path]) -> Parts:
    parts: Parts = []
    for name, path in plots.items():
        title, caption = _CAPTIONS[name]
        if "grid" in record.plan and name not in ("slices", "differences"):
            caption += " Of a cell the mean over its seeds; bands and small points are the seeds'."
        parts.append(Section(title, [Picture(path, caption)]))
    return parts


def _test_images(study: Path) -> Parts:
    """Pictures that were drawn when the study ended."""
    folder = study / "pictures" / "test"
    worst = sorted(folder.glob("worst-*.png"))
    parts: Parts = []
    if worst:
        said = (
            "Test images with the least boundary F at 3 px, mean over the networks shown: green "
            "boundaries were found within 1 px, blue ones missed, red ones invented. Of a cell its "
            "first whole seed."
        )
        pictures: list[Block] = [Picture(path, path.stem.split("-", 2)[2]) for path in worst]
        parts.append(Section("Worst images", [Prose(said), *pictures]))
    affinity = folder / "affinity.png"
    if affinity.exists():
        caption = (
            "Which places belong together, by the labels and by each network's class "
            "probabilities (Affinity Regression, Figure 4)."
        )
        parts.append(Section("Affinity", [Picture(affinity, caption)]))
    return parts


def _failed(record: StudyRecord) -> Parts:
    failed = record.in_state("failed")
    return [Section("Failed", [Points([_failure(trial) for trial in failed])])] if failed else []


def _failure(trial: TrialRecord) -> str:
    assert trial.failure is not None
    first = trial.failure["message"].splitlines()[0] if trial.failure["message"] else ""
    where = f" ({trial.cell}, seed {trial.seed})" if trial.cell else ""
    return f"trial {trial.number}{where}: {trial.failure['kind']}: {first}"


def counts(record: StudyRecord) -> str:
    """How many trials are in which state, and how those that failed did."""
    return ", ".join(
        f"{len(record.in_state(state))} {state}" + (_kinds(record) if state == "failed" else "")
        for state in ("complete", "pruned", "failed", "running")
        if record.in_state(state)
    )


def _kinds(record: StudyRecord) -> str:
    kinds = Counter(trial.failure["kind"] for trial in record.trials.values() if trial.failure)
    return " (" + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) + ")"


def aims(record: StudyRecord) -> str:
    """What ranks the trials."""
    named = " and ".join(f"`{name}` ({mode})" for name, mode in record.objectives.items())
    several = len(record.objectives) > 1
    return f"the Pareto layer of {named}, within it by the first," if several else named
