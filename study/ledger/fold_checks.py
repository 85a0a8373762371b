"""What a line of a ledger must hold, beyond its types, to be folded into a record."""

import re
from collections.abc import Mapping

from study.ledger.events import Event, Looked, Planned, Started
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from trainables.config import Value

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names of studies, which are names of folders."""
_STAGE = re.compile(r"[a-z][a-z_]{0,40}-[A-Za-z0-9]{1,64}")
"""``kind-key``, part of a file's name."""
_YEAR_9999 = 253_402_300_799


def require_foldable(event: Event, record: StudyRecord) -> None:
    """Raise a ValueError if an event that was read contradicts earlier ones, or no study has it."""
    if not 0 <= event.time <= _YEAR_9999:
        raise ValueError(f"time must be 0 .. {_YEAR_9999}, got {event.time!r:.60}")
    match event:
        case Planned():
            _require_plan(event, record.planned)
        case Started():
            _require_start(event, record.plan, record.trials)
        case Looked():
            _require_look(event, record)


def _require_plan(event: Planned, earlier: Planned | None) -> None:
    plan = event.plan
    if earlier is not None:
        raise ValueError("a study has one plan, got a second one")
    _require_name("study", plan.study)
    _require_epochs("base", plan.base)
    if not plan.objectives or not set(plan.objectives.values()) <= {"max", "min"}:
        raise ValueError(f"objectives must be max or min each, got {dict(plan.objectives)!r:.60}")
    if plan.workers < 1 or min(plan.lanes, plan.trials) < 0:
        raise ValueError("workers must be >= 1, lanes and trials >= 0")
    seeds = plan.design.seeds or getattr(plan.design, "confirm", ())
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must differ, got {seeds!r:.60}")
    if plan.design.kind == "grid" and not plan.design.seeds:
        raise ValueError("a grid must have seeds, got none")

    folds = plan.design.folds
    if folds and folds != plan.base.get("data/folds"):
        raise ValueError(f"folds must be those of the data, got {folds!r:.60}")
    looks = plan.design.looks
    if looks and (sorted(set(looks)) != list(looks) or looks[0] < 1 or looks[-1] != len(seeds)):
        raise ValueError(f"looks must ascend from 1 to all seeds, got {looks!r:.60}")
    if plan.smallest is not None and not plan.smallest > 0:
        raise ValueError(f"smallest must be > 0, got {plan.smallest!r:.60}")


def _require_look(event: Looked, record: StudyRecord) -> None:
    design, place = record.plan.design, len(record.looks)
    if list(design.looks[place : place + 1]) != [event.seeds]:
        raise ValueError(f"seeds must be those of the next planned look, got {event.seeds!r:.60}")
    grid = record.plan.grid
    arms = {cell.name for cell in design.cells if not grid.is_baseline(cell.name)}
    if set(event.arms) != arms:
        raise ValueError(f"arms must be the plan's compared cells, got {sorted(event.arms)!r:.60}")


def _require_start(event: Started, plan: Plan, known: Mapping[int, object]) -> None:
    if event.trial in known:
        raise ValueError(f"trial {event.trial} must start once, got a second start")
    if not 0 <= event.trial < 10**9:
        raise ValueError(f"trial must be 0 .. 999999999, got {event.trial}")
    _require_epochs("config", event.config)
    if event.cell not in plan.design.cell_names(event.phase):
        raise ValueError(f"cell must be one of the plan's, got {event.cell!r:.60}")
    folds = plan.design.folds
    if folds and event.config.get("data/fold") not in range(1, folds + 1):
        got = event.config.get("data/fold")
        raise ValueError(f"config/data/fold must be 1 .. {folds}, got {got!r:.60}")
    if event.reused is not None:  # its folder is looked up in the storage
        _require_name("reused/study", event.reused.study)
    if event.shared is not None:
        twin, epochs = event.shared.trial, event.shared.epochs
        if twin not in known or not 1 <= epochs <= int(event.config["epochs"]):
            raise ValueError(f"shared must name epochs of an earlier trial, got {event.shared}")
    for stage in event.stages:
        if not _STAGE.fullmatch(stage):
            raise ValueError(f"stages must be KIND-KEY, got {stage!r:.60}")


def _require_name(field: str, name: str) -> None:
    """A study's name is a folder in the storage: another one could lead out of it."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{field} must be the name of a study, got {name!r:.60}")


def _require_epochs(field: str, config: Mapping[str, Value]) -> None:
    epochs = config.get("epochs")
    if type(epochs) is not int or epochs < 1:
        raise ValueError(f"{field}/epochs must be an integer >= 1, got {epochs!r:.60}")
