"""What a reader must know about a study before trusting its figures."""

from study.analysis.one_class import one_class_alone
from study.ledger.provenance import changes
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Parts, Prose, Section

NO_CHECKSUMS = (
    "an older version began it, so that its lines carry no checksums: a changed digit would not "
    "be noticed"
)


def above(record: StudyRecord, folder: StudyFolder) -> Parts:
    """The networks that predict one class on every image, at the top of a report."""
    alone = one_class_alone(record, folder)
    return [Prose(f"**{alone}.**")] if alone else []


def of_ledger(record: StudyRecord) -> Parts:
    """Says that the ledger's lines carry no checksums, if so."""
    return [] if record.has_checksums else [Prose(f"Ledger: {NO_CHECKSUMS}.")]


def other_code(record: StudyRecord) -> Parts:
    """The later attempts whose code or packages differ from the first one's."""
    found = [changes(record.provenance, later) for later in record.resumed_with]
    differ = list(dict.fromkeys(filter(None, found)))
    if not differ:
        return []
    text = f"Resumed with other code than it began with: {'; '.join(differ)}."
    return [Section("Other code", [Prose(text)])]
