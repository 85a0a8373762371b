"""How much a study may use, and has used: hours, and GPU hours, counted over restarts.

Both are counted from the ledger. Hours run while an attempt runs, from its first event to its last;
the time between attempts does not count. GPU hours are the GPUs of a lane for as long as a trial
holds it. Once either is spent no trial begins, and those that run stop after their epoch: its
checkpoint is written, and ``--resume NAME --max-hours N`` goes on from it.
"""

import math
import time
from collections.abc import Mapping
from typing import Any

from study.ledger.record import StudyRecord

OPTIONS = {"hours": "max_hours", "gpu_hours": "max_gpu_hours"}
"""Kinds of budget, and the command's option for each."""
_UNITS = {"hours": "h", "gpu_hours": "GPU h"}
_HOUR_S = 3600.0


def parse(given: Mapping[str, float | None], gpus_per_lane: float) -> dict[str, float]:
    """Limits by kind from the command's options; infinity lifts one.

    Raises:
        ValueError: a limit that is not above zero, or on GPUs that no lane has.
    """
    limits = {
        kind: value for kind, name in OPTIONS.items() if (value := given.get(name)) is not None
    }
    for kind, value in limits.items():
        if not value > 0:
            raise ValueError(f"{flag(kind)} must be above 0, got {value:g}")
    if "gpu_hours" in limits and not gpus_per_lane:
        raise ValueError("--max-gpu-hours needs lanes with GPUs: --gpus-per-worker 1")
    return limits


def renewed(record: "StudyRecord", limits: Mapping[str, float]) -> dict[str, float]:
    """The budget of a study that goes on: the ledger's, where no new limit was given.

    Raises:
        ValueError: it is spent already.
    """
    budget = finite({**record.plan.get("budget", {}), **limits})
    for kind, used in used_hours(record, record.spent.since).items():
        if used >= budget.get(kind, math.inf):
            raise ValueError(
                f"{flag(kind)} must be more than the {used:.3g} {_UNITS[kind]} that "
                f"{record.plan['study']} has used, got {budget[kind]:g}"
            )
    return budget


def finite(limits: Mapping[str, float]) -> dict[str, float]:
    return {kind: limit for kind, limit in limits.items() if math.isfinite(limit)}


def used_hours(record: "StudyRecord", now: float) -> dict[str, float]:
    """Hours by kind if the study has run on until now."""
    seconds, lane_seconds = record.spent.at(now)
    return {"hours": seconds / _HOUR_S, "gpu_hours": lane_seconds * gpus(record.plan) / _HOUR_S}


def gpus(plan: Mapping[str, Any]) -> float:
    """GPUs of one lane."""
    return float(plan["workers"] * plan["gpus_per_worker"])


def is_spent(record: "StudyRecord", now: float | None = None) -> bool:
    """Whether either limit is reached."""
    used = used_hours(record, time.time() if now is None else now)
    return any(used[kind] >= limit for kind, limit in record.plan.get("budget", {}).items())


def seconds_left(record: "StudyRecord", now: float) -> float:
    """Until the budget ends at the lanes' present pace; infinity without one."""
    used = used_hours(record, now)
    pace = {"hours": 1.0, "gpu_hours": gpus(record.plan) * max(record.spent.lanes_held, 1)}
    ends = [
        (limit - used[kind]) * _HOUR_S / pace[kind]
        for kind, limit in record.plan.get("budget", {}).items()
    ]
    return max(min(ends, default=math.inf), 0.0)


def outlook(record: "StudyRecord", trials_s: float | None, now: float) -> str:
    """When a running study will end, by its trials or by its budget, and what is left of that.

    Args:
        trials_s: seconds until the last trial ends; None while nobody can tell.
    """
    ends = seconds_left(record, now)
    parts = []
    if trials_s is not None or math.isfinite(ends):
        left = min(ends, math.inf if trials_s is None else trials_s)
        by_budget = left < (math.inf if trials_s is None else trials_s)
        clock = time.strftime("%H:%M", time.localtime(now + left))
        parts.append(
            f"{'budget ends it' if by_budget else 'will end'} at {clock} (in {duration(left)})"
        )
    used = used_hours(record, now)
    parts += [
        f"{max(limit - used[kind], 0.0):.2g} of {limit:g} {_UNITS[kind]} left"
        for kind, limit in record.plan.get("budget", {}).items()
    ]
    return ", ".join(parts)


def stated(record: "StudyRecord") -> str:
    """``budget spent: 2.01 of 2 h``."""
    assert record.budget_spent is not None
    budget, used = record.plan["budget"], record.budget_spent
    return "budget spent: " + ", ".join(
        f"{used[kind]:.3g} of {limit:g} {_UNITS[kind]}" for kind, limit in budget.items()
    )


def planned(budget: Mapping[str, float], record: "StudyRecord", forecast_s: float) -> str:
    """The plan's line: the limits, what is used, and whether hours will do."""
    used = used_hours(record, record.spent.since) if record.plan else dict.fromkeys(OPTIONS, 0.0)
    limits = [f"{limit:g} {_UNITS[kind]}, {used[kind]:.2g} used" for kind, limit in budget.items()]
    short = forecast_s > (budget.get("hours", math.inf) - used["hours"]) * _HOUR_S
    return "; ".join([*limits, *(["not enough for all trials by the forecast"] * short)])


def duration(seconds: float) -> str:
    """Rounded as one says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def flag(kind: str) -> str:
    """The command's option for a kind of budget."""
    return "--" + OPTIONS[kind].replace("_", "-")
