"""The section about classes that networks never find, and the pixels by class as a table."""

import pandas

from study.analysis import fold_protocol
from study.analysis.answer import signed
from study.analysis.missed_classes import Missed, missed, overlaps
from study.analysis.results import AblationResults
from study.ledger.design import seed_and_fold
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Parts, Prose, Section, Sheet

_NAMED = 3
"""Classes of a cell that are named; the others are counted."""
PIXELS = ("true_positives", "false_positives", "false_negatives")


def section(results: AblationResults, folder: StudyFolder) -> Parts:
    """Nothing where every network finds every class."""
    plan, data = results.record.plan, results.record.data
    rows = missed(overlaps(results, folder), plan.grid.baseline_by_cell)
    if not any(row.missing for row in rows):
        return []
    said = Prose(
        f"On the {data.list_name(results.split)}: networks that never find a class (no pixel of it "
        f"is right, its IoU is 0), and how many miss which class. A difference in mIoU may be one "
        f"of such classes; beside it is the difference over those that every network of the cell "
        f"and of its baseline finds. Both in percentage points, mean over "
        f"{fold_protocol.paired_by(plan, 's')}; no verdict."
    )
    return [Section("Classes never found", [said, sheet(rows, data.classes)])]


def sheet(rows: list[Missed], classes: list[str]) -> Sheet:
    """A row per cell."""
    head = ["cell", "miss a class", "which", "Δ miou", "all find", "Δ over these"]
    return Sheet(head, [_row(row, classes) for row in rows])


def _row(row: Missed, classes: list[str]) -> list[str]:
    named = [f"{classes[number]} {count}" for number, count in row.classes.items()]
    more = [f"{len(named) - _NAMED} more"] if len(named) > _NAMED else []
    return [
        row.cell,
        f"{row.missing} of {row.networks}",
        ", ".join([*named[:_NAMED], *more]) or "-",
        _difference(row.delta),
        f"{row.shared} of {len(classes)}",
        _difference(row.delta_shared),
    ]


def _difference(value: float | None) -> str:
    return "-" if value is None else signed(value, "miou")


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
        }
        for cell, by_unit in overlaps(results, folder).items()
        for unit, overlap_K3 in by_unit.items()
        for name, pixels in zip(classes, overlap_K3.tolist(), strict=True)
    ]
    found = pandas.DataFrame(rows)
    return (
        found if found.empty else found.assign(iou=found[PIXELS[0]] / found[[*PIXELS]].sum(axis=1))
    )


def _unit(unit: int, folds: int) -> dict[str, int]:
    seed, fold = seed_and_fold(unit, folds)
    return {"seed": seed, "fold": fold} if folds else {"seed": seed}
