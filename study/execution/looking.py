"""Takes a planned look: which networks it needs measured, and which cells go on."""

from study.analysis.cell_values import values_by_cell
from study.analysis.look_results import retaken
from study.analysis.results import results_of
from study.ledger.look import Looked
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord


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


def unmeasured(record: StudyRecord) -> list[TrialRecord]:
    """The finalists that are not measured on the test list.

    What a look has found untested stays so: the look would else be another one afterwards.
    """
    looked_at = record.plan.design.seeds[: record.looks[-1].seeds] if record.looks else ()
    return [
        trial
        for trial in results_of(record).finalists
        if trial.tested is None and not (trial.untested and trial.seed in looked_at)
    ]
