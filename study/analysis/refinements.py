"""What corrects the tests of a study (``refine/method``), and what was chosen for it."""

from collections.abc import Iterable, Mapping

from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from trainables.config import Value

_FIELD, _NONE = "refine/method", "none"
_SETTINGS = {
    "appearance_weight": "weight",
    "appearance_sxy": "sxy",
    "appearance_srgb": "srgb",
}
"""What the validation list chooses of a dense CRF."""

_SEGFIX = ("network", "directions", "scale", "passes", "variant")
"""What tells one SegFix from another."""


def method(config: Mapping[str, Value]) -> str:
    """The refinement of a config; "" without one, as in older ledgers."""
    found = str(config.get(_FIELD, _NONE))
    return "" if found == _NONE else found


def methods(plan: Plan) -> list[str]:
    """Those of all trials of a plan."""
    changes = [cell.changes for cell in plan.design.cells]
    found = (method(config) for config in _configs(plan.base, changes))
    return [name for name in dict.fromkeys(found) if name]


def chooses(base: Mapping[str, Value], changes: Iterable[Mapping[str, Value]]) -> bool:
    """Whether settings of a refinement are chosen on the validation list.

    Args:
        base: the config that all trials share.
        changes: by cell, what it changes.
    """
    return any(
        method(config) == "dense_crf" and int(config.get("dense_crf/tried", 1)) > 1
        for config in _configs(base, changes)
    )


def _configs(
    base: Mapping[str, Value], changes: Iterable[Mapping[str, Value]]
) -> list[Mapping[str, Value]]:
    return [{**base, **change} for change in changes] or [base]


def settings(config: Mapping[str, Value]) -> str:
    """``weight 5, sxy 80, srgb 13``; "" without a refinement."""
    match method(config):
        case "dense_crf":
            values = {name: config[f"dense_crf/{field}"] for field, name in _SETTINGS.items()}
            return ", ".join(f"{name} {value:g}" for name, value in values.items())
        case "segfix":
            return ", ".join(f"{name} {config[f'segfix/{name}']}" for name in _SEGFIX)
        case _:
            return ""


def tested(record: StudyRecord) -> list[TrialRecord]:
    """The refined trials that were measured on the test list, by number."""
    trials = sorted(record.trials.values(), key=lambda trial: trial.number)
    return [trial for trial in trials if trial.tested is not None and method(trial.config)]


def figures(record: StudyRecord, trial: TrialRecord) -> dict[str, float]:
    """``refined_val_miou`` and the chosen settings by name; none where nothing was chosen."""
    if trial.refined is None:
        return {}
    value, chosen = trial.refined.value, trial.refined.chosen
    of_list = {} if value is None else {f"refined_val_{record.plan.objective}": value}
    paths = {f"crf_{name}": f"dense_crf/{field}" for field, name in _SETTINGS.items()}
    return {**of_list, **{n: float(chosen[path]) for n, path in paths.items() if path in chosen}}
