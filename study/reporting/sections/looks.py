"""The planned looks of a study: what each one found of every cell."""

from study.analysis.provisional import leaning
from study.analysis.results import AblationResults
from study.ledger.look import ArmLook
from study.ledger.record import StudyRecord
from study.reporting.document import Block, Prose, Sheet
from trainables.config.words import counted


def blocks(results: AblationResults) -> list[Block]:
    """The provisional state of a study that has not ended, and its looks; none without either."""
    record = results.record
    found = {} if record.ended else leaning(record)
    words = ", ".join(f"{cell} {word}" for cell, word in found.items())
    so_far = [Prose(f"Provisional, and no verdict (an e-value of 20 or more): {words}.")]
    return [*(so_far if found else []), *_looks(record)]


def _looks(record: StudyRecord) -> list[Block]:
    """A table with a column for each look that was taken; none for a study without looks."""
    if not record.plan.design.looks:
        return []
    if not record.looks:
        return [Prose("No look was taken yet, so nothing is decided.")]
    head = ["cell", *(f"after {counted(look.seeds, 'seed')}" for look in record.looks)]
    rows = [
        [cell, *(_found(look.arms[cell], look.seeds) for look in record.looks)]
        for cell in record.looks[0].arms
    ]
    return [Prose("What each look found; a dash: the cell had stopped."), Sheet(head, rows)]


def _found(arm: ArmLook, seeds: int) -> str:
    if arm.seeds < seeds:
        return "-"
    same = "" if arm.p_same is None else f", same p {arm.p_same:.4f}"
    return f"{arm.state}: p {arm.p:.4f}{same}"
