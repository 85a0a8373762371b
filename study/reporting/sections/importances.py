"""The section about how much each searched parameter mattered."""

from collections.abc import Mapping

from study.ledger.record import StudyRecord
from study.reporting.document import Parts, Prose, Section, Sheet


def section(record: StudyRecord, importance: Mapping[str, float]) -> Parts:
    """Each parameter's share of the objective's variance; none with too few trials."""
    if not importance:
        return []
    objective, complete = record.plan.objective, len(record.searched().in_state("complete"))
    text = Prose(f"Share of the variance over the {complete} trials that ran all epochs (fANOVA).")
    rows = [[f"`{path}`", f"{share:.2f}"] for path, share in importance.items()]
    sheet = Sheet(["parameter", "share of variance"], rows)
    return [Section(f"Importance for `{objective}`", [text, sheet])]
