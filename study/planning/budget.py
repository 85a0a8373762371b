"""How many hours and GPU hours a study may use, and what is left of them.

``study/ledger/usage.py`` counts what is used. Once a budget is spent no trial starts, and those
that run stop after their epoch with a checkpoint; ``--resume NAME --max-hours N`` continues it.
"""

import math
import time
from collections.abc import Mapping

from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.planning.request import StudyRequest

_FLAGS = {"hours": "--max-hours", "gpu_hours": "--max-gpu-hours"}
"""The command's option for each kind of budget."""
_UNITS = {"hours": "h", "gpu_hours": "GPU h"}
_HOUR_S = 3600.0


def limits(request: StudyRequest, gpus_per_lane: float) -> dict[str, float]:
    """The requested limits by kind; infinity removes one.

    Raises:
        ValueError: a limit is not above zero, or is on GPU hours where lanes have no GPU.
    """
    given = {"hours": request.max_hours, "gpu_hours": request.max_gpu_hours}
    requested = {kind: value for kind, value in given.items() if value is not None}
    for kind, value in requested.items():
        if not value > 0:
            raise ValueError(f"{flag(kind)} must be above 0, got {value:g}")
    if "gpu_hours" in requested and not gpus_per_lane:
        raise ValueError("--max-gpu-hours needs lanes with GPUs: --gpus-per-worker 1")
    return requested


def renewed(record: StudyRecord, limits: Mapping[str, float]) -> dict[str, float]:
    """The budget of a resumed study: the ledger's limits, replaced where new ones are given.

    Raises:
        ValueError: the budget is already spent.
    """
    budget = finite({**record.plan.budget, **limits})
    for kind, used in used_hours(record, record.usage.since).items():
        if used >= budget.get(kind, math.inf):
            raise ValueError(
                f"{flag(kind)} must be more than the {used:.3g} {_UNITS[kind]} that "
                f"{record.plan.study} has used, got {budget[kind]:g}"
            )
    return budget


def finite(limits: Mapping[str, float]) -> dict[str, float]:
    """The limits without the infinite ones."""
    return {kind: limit for kind, limit in limits.items() if math.isfinite(limit)}


def used_hours(record: StudyRecord, now: float) -> dict[str, float]:
    """The hours of each kind that the study has used at ``now``, a Unix time."""
    seconds, lane_seconds = record.usage.at(now)
    return {"hours": seconds / _HOUR_S, "gpu_hours": lane_seconds * gpus(record.plan) / _HOUR_S}


def gpus(plan: Plan) -> float:
    """GPUs of one lane."""
    return plan.workers * plan.gpus_per_worker


def is_spent(record: StudyRecord, now: float | None = None) -> bool:
    """Whether either limit is reached."""
    used = used_hours(record, time.time() if now is None else now)
    return any(used[kind] >= limit for kind, limit in record.plan.budget.items())


def seconds_left(record: StudyRecord, now: float) -> float:
    """Seconds until the budget ends at the lanes' present pace; infinity without one."""
    used = used_hours(record, now)
    # Before the first trial no lane is held; one is assumed.
    pace = {"hours": 1.0, "gpu_hours": gpus(record.plan) * max(record.usage.lanes_held, 1)}
    ends = [
        (limit - used[kind]) * _HOUR_S / pace[kind] for kind, limit in record.plan.budget.items()
    ]
    return max(min(ends, default=math.inf), 0.0)


def outlook(record: StudyRecord, trials_s: float | None, now: float) -> str:
    """When a running study will end, by its trials or by its budget, and how much budget is left.

    Args:
        trials_s: seconds until the last trial ends; None while that is unknown.
    """
    budget_s = seconds_left(record, now)
    phrases = []
    if trials_s is not None or math.isfinite(budget_s):
        left_s = min(budget_s, math.inf if trials_s is None else trials_s)
        by_budget = left_s < (math.inf if trials_s is None else trials_s)
        clock = time.strftime("%H:%M", time.localtime(now + left_s))
        phrases.append(
            f"{'budget ends it' if by_budget else 'will end'} at {clock} (in {duration(left_s)})"
        )
    used = used_hours(record, now)
    phrases += [
        f"{max(limit - used[kind], 0.0):.2g} of {limit:g} {_UNITS[kind]} left"
        for kind, limit in record.plan.budget.items()
    ]
    return ", ".join(phrases)


def stated(record: StudyRecord) -> str:
    """What is spent of the budget: ``budget spent: 2.01 of 2 h``."""
    assert record.budget_spent is not None
    budget, used = record.plan.budget, record.budget_spent
    return "budget spent: " + ", ".join(
        f"{used[kind]:.3g} of {limit:g} {_UNITS[kind]}" for kind, limit in budget.items()
    )


def planned(budget: Mapping[str, float], record: StudyRecord, forecast_s: float) -> str:
    """The plan's line: the limits, what is used, and whether the hours suffice."""
    used = used_hours(record, record.usage.since) if record.planned else dict.fromkeys(_FLAGS, 0.0)
    phrases = [f"{limit:g} {_UNITS[kind]}, {used[kind]:.2g} used" for kind, limit in budget.items()]
    # False where there is no forecast: it is NaN then.
    if forecast_s > (budget.get("hours", math.inf) - used["hours"]) * _HOUR_S:
        phrases.append("not enough for all trials by the forecast")
    return "; ".join(phrases)


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, rounded."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def clock(seconds: float) -> str:
    """A duration that has passed: to the second below ten minutes, else as ``duration``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if 0 < minutes < 10 else duration(seconds)


def foretold(seconds: float) -> str:
    """A duration to come: to ten seconds below ten minutes, else as ``duration``."""
    return clock(round(seconds, -1)) if 90 <= seconds < 595 else duration(seconds)


def flag(kind: str) -> str:
    """The command's option for a kind of budget."""
    return _FLAGS[kind]
