"""The lines of a plan about what ran before: its earlier attempts, and other studies."""

from search_spaces import Space
from study.analysis.lost_classes import lost_classes
from study.ledger.errors import LedgerError
from study.ledger.plan import Plan
from study.ledger.provenance import changes, provenance
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.prior_studies import replay, warm_start
from study.reporting.sections import caveats, reruns
from study.search import reuse
from trainables.config.words import counted


def lines(plan: Plan, space: Space, record: StudyRecord, digest: str) -> dict[str, str]:
    """The plan's lines, by title.

    Args:
        record: of earlier attempts; empty for a new study.
        digest: of the data, as it is now.
    """
    found = _of_attempts(plan, record)
    if warm := plan.design.warm_start:
        found["warm start"] = warm_start.described(warm, digest)
    if replayed := plan.design.replayed:
        found["replays"] = replay.described(replayed)
    if known := reuse.possible_reuse(plan, space, digest):
        studies = ", ".join(dict.fromkeys(earlier.study for earlier in known))
        found["known"] = (
            f"{counted(len(known), 'trial')} of {studies}: a draw that equals "
            f"one of them is reused; --fresh runs it anyway"
        )
    if lost := _lost_classes(plan, record):
        found["lost classes"] = lost
    if left_out := reuse.earlier_trials(plan).left_out:
        found["left out"] = "; ".join(left_out)
    return found


def _of_attempts(plan: Plan, record: StudyRecord) -> dict[str, str]:
    if record.planned is None:
        return {}
    found = {}
    if lacks := caveats.unproved(record, StudyFolder.of(plan)):
        found["ledger"] = lacks
    if other := changes(record.provenance, provenance()):
        found["warning"] = f"its first attempt ran with other code: {other}"
    return found


def _lost_classes(plan: Plan, record: StudyRecord) -> str:
    """The networks that lose a class, of earlier attempts or of the study that is run
    again; "" if there is none."""
    folder, replayed = StudyFolder.of(plan), plan.design.replayed
    name = replayed.study if replayed else reruns.origin(plan)
    if record.planned is not None or not name:
        return lost_classes(record, folder) if record.planned else ""
    folder = StudyFolder(folder.storage / name)
    try:
        lost = lost_classes(folder.load(), folder)
    except (LedgerError, FileNotFoundError):
        return ""  # deleted, or damaged, since the plan was made
    return lost and f"in {name}, {lost}"
