"""What the plan says about earlier studies of the storage, and earlier attempts at this one."""

from search_spaces import Space
from study.ledger.plan import Plan
from study.ledger.provenance import changes, provenance
from study.ledger.record import StudyRecord
from study.planning.prior_studies import replay, warm_start
from study.search import reuse


def lines(
    plan: Plan, record: StudyRecord, space: Space, digest: str, left_out: set[str]
) -> dict[str, str]:
    """The plan's lines, by title.

    Args:
        record: of earlier attempts at this study.
        digest: of the data.
        left_out: a line for each study that could not be read; more are added.
    """
    found: dict[str, str] = {}
    if warm := plan.design.warm_start:
        found["warm start"] = warm_start.described(warm, digest)
    if replayed := plan.design.replayed:
        found["replays"] = replay.described(replayed)
    if known := reuse.possible_reuse(plan, space, digest, left_out):
        studies = ", ".join(dict.fromkeys(earlier.study for earlier in known))
        found["known"] = (
            f"{len(known)} trials of {studies}: a draw that equals one of them is reused; "
            f"--fresh runs it anyway"
        )
    if record.planned is not None and (other := changes(record.provenance, provenance())):
        found["warning"] = f"its first attempt ran with other code: {other}"
    if left_out:
        found["left out"] = "; ".join(sorted(left_out))
    return found
