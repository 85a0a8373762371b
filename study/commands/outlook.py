"""What is expected of a plan before it runs: its time, its load, its power, its doubts.

What takes seconds to import is imported where it is needed: a refusal comes before.
"""

from search_spaces import Space
from study.analysis import health_of_plan
from study.commands import prior_studies
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.planning import budget
from study.planning.printed_commands import resume_command
from study.planning.prior_studies import pilot
from study.reporting.terminal.plan_and_result import Outlook
from trainables.data import Dataset


def try_networks(plan: Plan, space: Space, dataset: Dataset) -> str:
    """Try the networks of a new study; return which of their parameters get no gradient."""
    from study.planning.try_networks import try_networks

    return try_networks(plan, space, dataset)


def expected(
    plan: Plan,
    space: Space,
    record: StudyRecord,
    dataset: Dataset,
    left: int,
    shared: int,
    more: dict[str, str],
) -> Outlook:
    """The outlook for the trials that are left.

    Args:
        left: how many those are.
        shared: epochs that they share.
        more: lines of the plan that are known, which stand above those that are added.
    """
    from study.planning import canary, refinement_time
    from study.planning.forecast import forecast
    from study.planning.pace import busy_with_others

    load, found = busy_with_others(), forecast(plan, space, dataset, left, shared)
    more |= {"forecast": found.problem} if found.problem else {}
    more |= refinement_time.line(plan, dataset)
    more |= {"load": load} if load else {}
    more |= prior_studies.lines(plan, space, record, dataset.digest)
    if power := pilot.power_line(plan, record, dataset):
        more["power"] = power
    if plan.budget:
        more["budget"] = budget.planned(plan.budget, record, found.total_s)
    # Written before the start: a driver that is killed, or loses its raylet, prints nothing.
    more["to resume"] = resume_command(plan.study, plan.storage, plan.tracking_uri)
    unread = canary.unread(plan, space, dataset.num_classes)
    doubts = health_of_plan.findings(plan, space, unread)
    return Outlook(left, found.stages, found.epoch_s, found.total_s, more, doubts)
