"""The comparisons of a study with planned looks, or with a smallest effect that matters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from study.analysis.folds import compare as compare_over_folds
from study.analysis.looks import LookRule, take_looks
from study.analysis.planned_looks import rule_of
from study.analysis.sign_flips import Baseline, differences
from study.analysis.statistics import Comparison, Verdict, compare
from study.ledger.look import ArmLook, ArmState
from study.ledger.record import StudyRecord

_VERDICTS: Mapping[ArmState, Verdict] = {
    "better": "better",
    "worse": "worse",
    "same": "same",
    "hopeless": "undecided",
    "open": "undecided",
}

ByCell = Mapping[str, Mapping[int, float]]


def comparisons(
    record: StudyRecord, values: ByCell, baseline: Baseline, metric: str, mode: str
) -> dict[str, Comparison]:
    """Compare every other cell with its baseline, by the rule that the study planned.

    The arms of a study with looks stop by the objective; the tests of another metric follow them.

    Args:
        values: by cell and unit, the metric's value; seeds that failed are absent.
    """
    plan = record.plan
    if plan.design.folds:
        folds = plan.design.folds
        return compare_over_folds(values, baseline, mode, folds, record.data.test_ratio)
    plain = compare(values, baseline, mode, plan.correction)
    if (rule := rule_of(plan)) is None:
        return plain
    objective = metric == plan.objective
    # Before the first look nothing is decided, and between two looks nothing more.
    taken = len(record.looks) if plan.design.looks else None
    ran = {} if objective else _ran(record, list(plain))
    rule = LookRule(looks=rule.looks, smallest=rule.smallest if objective else None, mode=mode)
    looks = _looks(values, baseline, plan.design.seeds, rule, taken, ran)
    found = looks[-1] if looks else {}
    return {name: _decided(comparison, found.get(name)) for name, comparison in plain.items()}


def retaken(record: StudyRecord, values: ByCell, taken: int) -> list[dict[str, ArmLook]]:
    """The first looks at the objective, from the record's own values.

    Raises:
        ValueError: an earlier look found something else, so the ledger contradicts itself.
    """
    rule, grid = rule_of(record.plan), record.plan.grid
    assert rule is not None, "the plan has looks"
    looks = _looks(values, grid.baseline_by_cell, record.plan.design.seeds, rule, taken, {})
    for written, again in zip(record.looks, looks, strict=False):
        if dict(written.arms) != again:
            raise ValueError(
                f"the look after {written.seeds} seeds of {record.plan.study} found something "
                "else than its trials give now: a figure in the ledger has changed"
            )
    return looks


def _looks(
    values: ByCell,
    baseline: Baseline,
    seeds: Sequence[int],
    rule: LookRule,
    taken: int | None,
    ran: Mapping[str, int],
) -> list[dict[str, ArmLook]]:
    by_arm = differences(values, baseline)
    return take_looks(by_arm, seeds, rule, taken, ran or None) if by_arm else []


def _ran(record: StudyRecord, arms: Sequence[str]) -> dict[str, int]:
    last = record.looks[-1].arms if record.looks else {}
    planned = len(record.plan.design.seeds)
    return {arm: last[arm].seeds if arm in last else planned for arm in arms}


def _decided(comparison: Comparison, found: ArmLook | None) -> Comparison:
    """The comparison with the verdict of the last look at the arm."""
    if found is None:
        return replace(comparison, p_corrected=None, verdict="undecided")
    return replace(comparison, p_corrected=found.p, look=found, verdict=_VERDICTS[found.state])


def decided(comparison: Comparison | None) -> str:
    """``after 6``; ``hopeless after 6`` and ``open after 12`` for an arm without a verdict."""
    if comparison is None or comparison.look is None:
        return "-"
    found = comparison.look
    why = f"{found.state} " if found.state in ("open", "hopeless") else ""
    return f"{why}after {found.seeds}"
