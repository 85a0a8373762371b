"""How the figures of a table were obtained, and what its seeds can decide, in words."""

from search_spaces import Grid
from study.analysis import evaluation, fold_protocol, same_images
from study.analysis.measured_epoch import after, chosen_on_the_same
from study.analysis.planned_looks import rule_of
from study.analysis.statistics import ALPHA, coverage_note, fewest_seeds
from study.analysis.tables import Table
from study.analysis.training_budget import training_budget
from study.analysis.units import difference_unit
from study.ledger.plan import Correction, Plan
from study.ledger.record import StudyRecord
from trainables.config.words import counted
from trainables.metrics.catalog import METRICS

_CORRECTED: dict[Correction, str] = {
    "holm": "corrected by Holm's method",
    "max_t": "corrected by step-down max-T",
}


def protocol(record: StudyRecord, metric_table: Table) -> str:
    """Describe how a table's figures were obtained; all of it was fixed before the first trial."""
    plan, data, split = record.plan, record.data, metric_table.split
    lists = data.images
    images = "" if plan.design.folds else f"{counted(lists.get(split, 0), 'image')}, "
    return (
        f"{_measured(metric_table)} on the {data.list_name(split)} of `{data.dataset}` "
        f"({images}digest {data.digest}) {after(plan)}, "
        f"{evaluation.of_list(plan.base, split)}.{chosen_on_the_same(plan, split)} "
        f"Budget: {training_budget(plan, lists)}; n = "
        f"{fold_protocol.sample(plan)}, {_shared(plan)}. {_delta(plan, metric_table)}; "
        f"{corrected_by(record)} over {_all(metric_table)}; better or "
        f"worse if that is at most {bound(plan)}. "
        f"P(A>B): how often the cell was better on the same "
        f"{fold_protocol.paired_by(plan)}. {looks(record)}{power(record)}"
        f"{left_out(metric_table)}{same_images.said(plan, data.shared, lists)}"
    )


def _delta(plan: Plan, metric_table: Table) -> str:
    """What a difference, its interval and its p are."""
    unit = difference_unit(metric_table.unit)
    if plan.design.folds:
        return fold_protocol.delta(baselines(metric_table), unit)
    return (
        f"Delta: mean over seeds of cell - {baselines(metric_table)} in {unit}, with its "
        f"{1 - ALPHA:.0%} BCa interval{coverage_note(len(plan.design.seeds))}; p: exact two-sided "
        f"sign-flip test, paired by seed"
    )


def bound(plan: Plan) -> str:
    """What a corrected p must not exceed for a verdict."""
    return "the level of its look" if len(plan.design.looks) > 1 else str(ALPHA)


def _shared(plan: Plan) -> str:
    return "until a look has decided a cell" if plan.design.looks else "the same for every cell"


def left_out(metric_table: Table) -> str:
    """The runs that have no figure on the test list; "" if all have one."""
    if metric_table.split == "val":
        return (
            " Not every run was measured on the test list, so all figures here are of the "
            "validation list."
        )
    untested = sum(row.untested for row in metric_table.rows)
    return f" Untested, and not in the table: {counted(untested, 'run')}." if untested else ""


def same_protocol(metric_table: Table) -> str:
    """Describe a table that shares the protocol of the objective's table."""
    return (
        f"{_measured(metric_table)}, delta in {difference_unit(metric_table.unit)}; runs, list, "
        f"evaluation, "
        f"seeds and tests are those of the objective's table."
    )


def _measured(metric_table: Table) -> str:
    larger = "larger" if metric_table.mode == "max" else "smaller"
    return f"`{metric_table.metric}` ({METRICS[metric_table.metric].source}; {larger} is better)"


def corrected_by(record: StudyRecord) -> str:
    """How the p-values of the study's tables are corrected, in words."""
    return _CORRECTED[record.plan.correction]


def power(record: StudyRecord) -> str:
    """Say whether the study's number of seeds can decide a comparison."""
    return planned_power(record.plan)


def planned_power(plan: Plan) -> str:
    """``power`` of an ablation before it runs."""
    compared = comparisons(plan.grid)
    if plan.design.folds:
        return fold_protocol.power(plan, compared)
    return seeds_message(len(plan.design.seeds), compared, plan.correction)


def baselines(metric_table: Table) -> str:
    """What cells are compared with: the baseline, or those of their networks."""
    names = [f"`{name}`" for name in metric_table.baselines]
    return names[0] if len(names) == 1 else f"its own baseline ({', '.join(names)})"


def _all(metric_table: Table) -> str:
    if len(metric_table.baselines) == 1:
        return "the table"
    return f"all {sum(row.comparison is not None for row in metric_table.rows)} comparisons"


def looks(record: StudyRecord) -> str:
    """How looks and the smallest effect that matters were planned; "" without them."""
    plan = record.plan
    return looks_planned(plan) or f"{same_planned(plan).strip()} ".lstrip()


def looks_planned(plan: Plan) -> str:
    """The looks of a plan, with their levels; "" for a plan without looks."""
    rule = rule_of(plan)
    if rule is None or not plan.design.looks:
        return ""
    each = ", ".join(
        f"{seeds} (p <= {level:.4g})" if level else f"{seeds} (drops only)"
        for seeds, level in zip(rule.looks, rule.levels(), strict=True)
    )
    return (
        f"Looks planned after {each} seeds; p counts the earlier looks; a cell that is decided or "
        f"hopeless runs no further seed. A cell's mean is over its own seeds; the delta of one "
        f"that stopped early tends to be too large.{same_planned(plan)} "
    )


def same_planned(plan: Plan) -> str:
    """What a plan calls the same; "" if it has no smallest effect."""
    if plan.smallest is None:
        return ""
    share = METRICS[plan.objective].unit == "fraction"
    size = f"{100 * plan.smallest:g} points" if share else f"{plan.smallest:g}"
    return (
        f" Same: two one-sided sign-flip tests, in the same family, show the effect on "
        f"`{plan.objective}` to be within ±{size}, as planned."
    )


def comparisons(grid: Grid) -> int:
    """The number of cells that are compared with a baseline; the correction is over all."""
    return sum(not (cell.needs or grid.is_baseline(cell.name)) for cell in grid.cells)


def seeds_message(seeds: int, compared: int, correction: Correction) -> str:
    """Say what this number of seeds can decide in a table with so many comparisons."""
    floor, alone = fewest_seeds(max(compared, 1), correction), fewest_seeds()
    if compared < 1:
        return "Nothing is compared: only the baseline runs."
    have = counted(seeds, "seed")
    if seeds < alone:
        here = f" for one comparison and {floor} for the {compared} here" if floor > alone else ""
        return f"{have} can never be significant: a two-sided sign-flip test needs {alone}{here}."
    if seeds < floor:
        return (
            f"{have} can never be significant here: {compared} comparisons, "
            f"{_CORRECTED[correction]}, need {floor}; {seeds} can decide one comparison."
        )
    need = "needs" if compared == 1 else "need"
    return f"{have} can decide; {counted(compared, 'comparison')} {need} at least {floor}."
