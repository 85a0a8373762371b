"""Takes a planned look: from the record to the event that says which cells go on."""

from study.analysis.look_results import retaken
from study.analysis.tables import values_by_cell
from study.ledger.look import Looked
from study.ledger.record import StudyRecord


def next_look(record: StudyRecord) -> Looked:
    """The next look, at complete trials that are measured on the test list or cannot be.

    Every earlier look is taken again on the way, and must give what the ledger has.

    Raises:
        ValueError: it does not.
    """
    plan, place = record.plan, len(record.looks)
    values = values_by_cell(record, plan.objective)
    looks = retaken(record, values, place + 1)
    return Looked(seeds=plan.design.looks[place], arms=looks[place] if looks else {})
