"""The section on the classes in which differences in mIoU lie, and their pixels as a table."""

import pandas

from study.analysis import fold_protocol
from study.analysis.answer import signed
from study.analysis.class_shares import Lost, Shares, lost, overlaps, shares
from study.analysis.lost_classes import LEAST_IOU, NAMED, first_named
from study.analysis.results import AblationResults
from study.ledger.design import seed_and_fold
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Parts, Prose, Section, Sheet
from trainables.metrics.overlap import iou

PIXELS = ("true_positives", "false_positives", "false_negatives")
_HEAD = (
    "cell",
    "lose a class",
    "which, by how many",
    "Δ miou",
    "of it in classes that none loses",
    "largest parts",
)


def section(results: AblationResults, folder: StudyFolder) -> Parts:
    """Nothing for two classes that no network loses: mIoU is then nearly that of one."""
    plan, data = results.record.plan, results.record.data
    by_cell, baselines = overlaps(results, folder), plan.grid.baseline_by_cell
    rows = [lost(cell, networks) for cell, networks in by_cell.items()]
    if not rows or (len(data.classes) < 3 and not any(row.losing for row in rows)):
        return []
    said = Prose(
        f"On the {data.list_name(results.split)}: how many networks lose a class (its IoU is below "
        f"{LEAST_IOU:.0%}, though it is there), and which; the difference in miou, the part of it "
        f"in classes that no network of the cell and of its baseline loses, and the classes with "
        f"the largest parts. The parts of all classes add up to the difference. Percentage points "
        f"of miou, mean over {fold_protocol.paired_by(plan, 's')}; no verdict."
    )
    body = []
    for row in rows:
        beside = baselines[row.cell]
        is_cell = row.cell != beside and beside in by_cell
        found = shares(by_cell[row.cell], by_cell[beside], plan.design.folds) if is_cell else None
        body.append([row.cell, *of_lost(row, data.classes), *of_shares(found, data.classes)])
    return [Section("Where the differences lie", [said, Sheet([*_HEAD], body)])]


def of_lost(row: Lost, classes: list[str]) -> list[str]:
    """``1 of 6``; ``pole 1``."""
    named = [f"{classes[number]} {count}" for number, count in row.classes.items()]
    return [f"{row.losing} of {row.networks}", first_named(named) or "-"]


def of_shares(found: Shares | None, classes: list[str]) -> list[str]:
    """The difference, its part in classes that none loses, and the largest parts."""
    if found is None:
        return ["-"] * 3
    parts = [
        f"{classes[number]} {signed(part, 'miou')}"
        for number, part in [*found.parts.items()][:NAMED]
    ]
    intact = f"{signed(found.delta_intact, 'miou')} ({found.intact} of {len(found.parts)})"
    return [signed(found.delta, "miou"), intact, ", ".join(parts)]


def table(results: AblationResults, folder: StudyFolder) -> pandas.DataFrame:
    """A row per network and class: pixels of the list of the study's figures, and the IoU as a
    fraction. Empty without counts."""
    folds, classes = results.record.plan.design.folds, results.record.data.classes
    rows = [
        {
            "cell": cell,
            **_unit(unit, folds),
            "class": name,
            **dict(zip(PIXELS, pixels, strict=True)),
            "iou": of_class,
        }
        for cell, by_unit in overlaps(results, folder).items()
        for unit, overlap_K3 in by_unit.items()
        for name, pixels, of_class in zip(
            classes, overlap_K3.tolist(), iou(overlap_K3).tolist(), strict=True
        )
    ]
    return pandas.DataFrame(rows)


def _unit(unit: int, folds: int) -> dict[str, int]:
    seed, fold = seed_and_fold(unit, folds)
    return {"seed": seed, "fold": fold} if folds else {"seed": seed}
