"""Warm start: what earlier searches of this storage found is told to the sampler before it draws.

The trials told are part of the plan, so that a resumed study is told the same whatever became of
the studies that they come from. They count for the sampler alone: not as trials, not in a ranking.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search_spaces import Space
from study.ledger import study_folder
from study.ledger.record import StudyRecord, TrialRecord, Value
from study.ledger.study_folder import check_name, load_record
from trainables.config import TrialConfig, flatten

_LEARNERS = ("tpe", "gp", "nsga2")
"""Samplers that results of other studies mean something to."""
_SHOWN = 3


def gather(
    studies: Path,
    names: str,
    space: Space,
    base: TrialConfig,
    objectives: Sequence[str],
    sampler: str,
) -> dict[str, Any]:
    """What the plan keeps: each study with what differs and what was left out, and the trials.

    Raises:
        ValueError: a name that is no search of this space here, or a sampler that learns nothing.
    """
    if sampler not in _LEARNERS:
        raise ValueError(
            f"--warm-start needs --sampler {' or '.join(_LEARNERS)}, got {sampler}: "
            f"it learns nothing from other studies"
        )
    sources: dict[str, Any] = {}
    trials: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(names.split(",")):
        record = _load(studies, name, space)
        left_out: Counter[str] = Counter()
        for trial in record.trials.values():
            reason = "known already" if trial.id in trials else _why_not(trial, space, objectives)
            if reason:
                left_out[reason] += 1
            else:
                values = trial.values(objectives)
                trials[trial.id] = {
                    "study": name,
                    "trial": trial.number,
                    "params": trial.params,
                    "values": values,
                }
        sources[name] = {
            "digest": record.plan["data"]["digest"],
            "left_out": dict(left_out),
            "differs": _differs(record, base, space),
        }
    if not trials:
        raise ValueError(
            f"--warm-start must name a study with a trial that fits, got {names!r}: "
            f"{_reasons(sources)}"
        )
    return {"studies": sources, "trials": list(trials.values())}


def _load(studies: Path, name: str, space: Space) -> StudyRecord:
    check_name(name, "--warm-start")
    study_folder.require_known("--warm-start", studies / name)
    record = load_record(studies / name)
    plan = record.plan
    if "grid" in plan or plan["space"] != space.name:
        what = f"{'grid' if 'grid' in plan else 'search'} of {plan['space']}"
        raise ValueError(f"--warm-start must name searches of {space.name}, got {name!r}, a {what}")
    return record


def _why_not(trial: TrialRecord, space: Space, objectives: Sequence[str]) -> str:
    """Why a trial is not told; "" if it is."""
    if trial.state != "complete":
        return trial.state
    missing = [name for name in objectives if trial.value(name) is None]
    if missing:
        return f"no {missing[0]}"
    return misfit(trial.params, space)


def misfit(params: Mapping[str, Value], space: Space) -> str:
    """What the space would not have drawn so; "" if it could have drawn them all."""
    chosen: dict[str, Value] = {}
    for dimension in space.dimensions:
        if not dimension.applies(chosen):
            continue
        if dimension.path not in params:
            return f"no {dimension.path}"
        if not dimension.holds(params[dimension.path]):
            return f"{dimension.path} outside {dimension.bounds()}"
        chosen[dimension.path] = params[dimension.path]
    extra = [path for path in params if path not in chosen]
    return f"{extra[0]} is not searched" if extra else ""


def _differs(record: StudyRecord, base: TrialConfig, space: Space) -> list[str]:
    """Config fields that the study's trials shared and that are others here."""
    ours, theirs = flatten(base), record.plan["base"]
    passed_over = {"seed", "data/root", "data/cache", *(d.path for d in space.dimensions)}
    return [path for path in ours if path not in passed_over and ours[path] != theirs.get(path)]


def described(warm: Mapping[str, Any], digest: str) -> str:
    """The plan's line: how many from where, what differs there, and what is left out and why."""
    told = Counter(trial["study"] for trial in warm["trials"])
    parts = []
    for name, source in warm["studies"].items():
        differs = source["differs"] + (["the data"] if source["digest"] != digest else [])
        more = f" and {len(differs) - _SHOWN} more" if len(differs) > _SHOWN else ""
        other = f" (other: {', '.join(differs[:_SHOWN])}{more})" if differs else ""
        parts.append(f"{told[name]} trials of {name}{other}")
    reasons = _reasons(warm["studies"])
    return ", ".join(parts) + (f"; left out {reasons}" if reasons else "")


def _reasons(sources: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{count} of {name} ({reason})"
        for name, source in sources.items()
        for reason, count in source["left_out"].items()
    )
