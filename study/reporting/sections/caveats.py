"""What a reader must know about a study before trusting its figures."""

from study.analysis.lost_classes import lost_classes
from study.analysis.same_images import cautions
from study.ledger import end_mark
from study.ledger.provenance import changes
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Parts, Prose, Section

_NO_CHECKSUMS = (
    "an older version began it, so that its lines carry no checksums: a changed digit would not "
    "be noticed"
)
_NO_END = "no mark of its end lies beside it, so that lines missing there would not be noticed"


def above(record: StudyRecord, folder: StudyFolder) -> Parts:
    """At the top of a report: images that chose or trained what they measure, and networks that
    lose a class."""
    lines = cautions(record.plan, record.data.shared, record.data.images)
    if lost := lost_classes(record, folder):
        lines.append(lost)
    return [Prose(f"**{line[0].upper()}{line[1:]}.**") for line in lines]


def unproved(record: StudyRecord, folder: StudyFolder) -> str:
    """What a ledger does not prove of itself; "" if it proves all, or is not there yet."""
    if not record.has_checksums:
        return _NO_CHECKSUMS
    return "" if record.planned is None or end_mark.read(folder.ledger) else _NO_END


def of_ledger(record: StudyRecord, folder: StudyFolder) -> Parts:
    """Says what the ledger does not prove of itself, if anything."""
    lacks = unproved(record, folder)
    return [Prose(f"Ledger: {lacks}.")] if lacks else []


def other_code(record: StudyRecord) -> Parts:
    """The later attempts whose code or packages differ from the first one's."""
    found = [changes(record.provenance, later) for later in record.resumed_with]
    differ = list(dict.fromkeys(filter(None, found)))
    if not differ:
        return []
    text = f"Resumed with other code than it began with: {'; '.join(differ)}."
    return [Section("Other code", [Prose(text)])]
