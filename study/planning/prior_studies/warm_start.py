"""Warm start: the sampler learns from earlier searches of this storage before its first draw.

These trials are part of the plan, so that a resumed study has them even if their own studies are
gone. Only the sampler uses them; no ranking has them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from search_spaces import Space
from study.ledger.prior_trials import WarmStart, WarmStartSource, WarmStartTrial
from study.ledger.record import StudyRecord
from study.ledger.storage import check_name
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from trainables.config import TrialConfig, Value, flatten
from trainables.config.earlier import translated
from trainables.config.words import counted

_LEARNERS = ("tpe", "gp", "nsga2")
"""Samplers that can use results of other studies."""
_LISTED = 3
"""How many differing fields of a study are listed."""


def gather(
    storage: Path,
    names: str,
    space: Space,
    base: TrialConfig,
    objectives: Sequence[str],
    sampler: str,
) -> WarmStart:
    """Gather the trials that fit, and for each study what differs and what was left out.

    Raises:
        ValueError: a name is not a search of this space in the storage, no trial fits, or the
            sampler cannot learn from other studies.
    """
    if sampler not in _LEARNERS:
        raise ValueError(
            f"--warm-start needs --sampler {' or '.join(_LEARNERS)}, got {sampler}: "
            f"it learns nothing from other studies"
        )
    sources: dict[str, WarmStartSource] = {}
    trials: dict[str, WarmStartTrial] = {}
    for name in dict.fromkeys(names.split(",")):
        record = _load(storage, name, space)
        left_out: Counter[str] = Counter()
        for trial in record.searched().trials.values():
            reason = "known already" if trial.id in trials else _why_not(trial, space, objectives)
            values = trial.values(objectives)
            if reason or values is None:
                left_out[reason] += 1
            else:
                trials[trial.id] = WarmStartTrial(
                    study=name, trial=trial.number, params=trial.params, values=values
                )
        sources[name] = WarmStartSource(
            digest=record.data.digest,
            left_out=dict(left_out),
            differs=_differs(record, base, space),
        )
    if not trials:
        raise ValueError(
            f"--warm-start must name a study with a trial that fits, got {names!r}: "
            f"{_reasons(sources)}"
        )
    return WarmStart(studies=sources, trials=list(trials.values()))


def _load(storage: Path, name: str, space: Space) -> StudyRecord:
    check_name(name, "--warm-start")
    folder = StudyFolder(storage / name)
    folder.require_known("--warm-start")
    record = folder.load()
    kind, earlier = record.plan.design.kind, record.plan.space
    if kind != "search" or earlier != space.name:
        raise ValueError(
            f"--warm-start must name searches of {space.name}, got {name!r}, a {kind} of {earlier}"
        )
    return record


def _why_not(trial: TrialRecord, space: Space, objectives: Sequence[str]) -> str:
    """Why the sampler does not learn from a trial; "" if it does."""
    if trial.state != "complete":
        return trial.state
    missing = [name for name in objectives if trial.value(name) is None]
    if missing:
        return f"no {missing[0]}"
    return misfit(trial.params, space)


def misfit(params: Mapping[str, Value], space: Space) -> str:
    """Why the space could not have drawn these parameters; "" if it could."""
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
    """Paths of the fixed config fields whose value differs in the earlier study."""
    # A field that an older version did not have meant what its default means.
    ours, theirs = flatten(base), {**flatten(TrialConfig()), **translated(record.plan.base)}
    ignored = {
        "seed",
        "data/root",
        "data/cache",
        "data/links",
        "data/loader",
        *(d.path for d in space.dimensions),
    }
    return [path for path in ours if path not in ignored and ours[path] != theirs[path]]


def described(warm: WarmStart, digest: str) -> str:
    """The plan's line: how many from where, what differs there, and what is left out and why."""
    counts = Counter(trial.study for trial in warm.trials)
    sources = []
    for name, source in warm.studies.items():
        differs = source.differs + (["the data"] if source.digest != digest else [])
        more = f" and {len(differs) - _LISTED} more" if len(differs) > _LISTED else ""
        other = f" (other: {', '.join(differs[:_LISTED])}{more})" if differs else ""
        sources.append(f"{counted(counts[name], 'trial')} of {name}{other}")
    reasons = _reasons(warm.studies)
    return ", ".join(sources) + (f"; left out {reasons}" if reasons else "")


def _reasons(sources: Mapping[str, WarmStartSource]) -> str:
    return ", ".join(
        f"{count} of {name} ({reason})"
        for name, source in sources.items()
        for reason, count in source.left_out.items()
    )
