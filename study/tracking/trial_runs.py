"""The MLflow run of a trial: below the study in a search, below its cell in a grid."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from study.analysis import costs, lost_classes, other_network, refinements
from study.analysis.costs import cost_of
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.tracking import names
from study.tracking.entities import (
    RUNNING,
    STUDY_KEY,
    Point,
    Run,
    cell_key,
    inputs_of,
    milliseconds,
    points_of,
    trial_key,
)
from trainables.config import TrialConfig, Value, flatten, from_flat
from trainables.losses.compose import ever_active

_STATUS = {"running": RUNNING, "complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
_ALWAYS = ("seed", "epochs", "batch", "optim/lr", "model/network", "data/dataset")
"""Parameters that every run shows; others only if the study decides them or if they differ from
the default."""
_DEFAULTS = flatten(TrialConfig())


def trial_run(record: StudyRecord, trial: TrialRecord, artifacts: Iterable[Path] = ()) -> Run:
    """The run of a trial, running or ended.

    Args:
        record: the study so far.
        artifacts: files of a trial that has ended.
    """
    end = max((epoch.time for epoch in trial.epochs.values()), default=trial.started)
    has_ended = trial.state != "running"
    files = list(artifacts)
    lost = lost_classes.of_trial(record, files)
    return Run(
        key=trial_key(trial.number),
        parent=cell_key(trial.cell) if trial.cell else STUDY_KEY,
        tags={
            **_tags(record, trial),
            **({"lost_classes": lost[: names.TAG_LENGTH]} if lost else {}),
        },
        params={path: str(trial.config[path]) for path in shown_paths(record, trial)},
        points=[point for epoch in sorted(trial.epochs) for point in _epoch(trial, epoch)],
        late=_late(record, trial, milliseconds(end)) if has_ended else [],
        inputs=inputs_of(record),
        status=_STATUS[trial.state],
        started_ms=milliseconds(trial.started),
        ended_ms=milliseconds(end) if has_ended else None,
        texts={"config.yaml": names.as_yaml(names.nested(trial.config)), **_failure_text(trial)},
        files=[(path, "pictures" if path.suffix == ".png" else "counts") for path in files],
    )


def shown_paths(record: StudyRecord, trial: TrialRecord) -> list[str]:
    """The parameters that a run shows: those the study decides, and those with other values than
    the default."""
    paths = dict.fromkeys([*trial.params, *_ALWAYS])
    if trial.cell:
        paths |= dict.fromkeys(record.plan.grid.decided())
    paths |= dict.fromkeys(
        path for path, value in trial.config.items() if _DEFAULTS.get(path) != value
    )
    return [path for path in paths if path in trial.config]


def _tags(record: StudyRecord, trial: TrialRecord) -> dict[str, str]:
    failure = {"failure": trial.failure.message[: names.TAG_LENGTH]} if trial.failure else {}
    chosen = {"measured_epoch": str(trial.measured_epoch)} if trial.best_by else {}
    if trial.other is not None:
        chosen["other_epoch"] = str(trial.other.epoch)
    untested = {"untested": trial.untested[: names.TAG_LENGTH]} if trial.untested else {}
    begins = trial.shared and f"after epoch {trial.shared.epochs} of trial {trial.shared.trial}"
    if trial.lender is not None:
        begins = f"with the network of trial {trial.lender.number}, no training"
    refined = refinements.method(trial.config)
    return {
        "study": record.plan.study,
        "trial": str(trial.number),
        "trial_id": trial.id,
        "mlflow.runName": names.run_name(trial),
        "space": record.plan.space,
        "dataset": record.data.dataset,
        "seed": str(trial.config["seed"]),
        **({"fold": str(trial.fold)} if trial.fold else {}),
        "loss": "+".join(active_losses(trial.config)),
        "state": trial.state,
        "lane": trial.lane,
        "seconds": f"{trial.seconds:.1f}",
        **names.grid_tags(record, trial),
        **names.provenance_tags(record),
        **({"begins": begins} if begins else {}),
        **({"refined": refined} if refined else {}),
        **failure,
        **untested,
        **chosen,
    }


def active_losses(config: Mapping[str, Value]) -> list[str]:
    """The losses of a recorded config that are ever active, the plug-in's after Edgewise's own.

    Nothing of a plug-in is executed or needs to be installed: a field of the loss that Edgewise
    does not know is a plug-in's, either a loss's weight or, as ``WEIGHT_PARAMETER``, its parameter.
    """
    added = {path.removeprefix("loss/"): value for path, value in config.items() if _is_added(path)}
    own = {
        path: value
        for path, value in config.items()
        if path.startswith("loss/") and not _is_added(path)
    }
    rules = [rule.strip() for rule in str(own.get("loss/schedule", "")).split(",")]
    own["loss/schedule"] = ", ".join(rule for rule in rules if rule.split(" ")[0] not in added)
    weights = [
        name
        for name, value in added.items()
        if not any(name.startswith(f"{other}_") for other in added)
        and not isinstance(value, str)
        and value > 0
    ]
    return [*ever_active(from_flat(own).loss), *weights]


def _is_added(path: str) -> bool:
    return path.startswith("loss/") and path not in _DEFAULTS


def _failure_text(trial: TrialRecord) -> dict[str, str]:
    if trial.failure is None:
        return {}
    return {"failure.txt": f"{trial.failure.message}\n\n{trial.failure.traceback}"}


def _epoch(trial: TrialRecord, number: int) -> list[Point]:
    """An epoch's points. ``epoch`` comes last: if MLflow has it, it has the others, too."""
    epoch = trial.epochs[number]
    system = {f"system/{name}": value for name, value in epoch.system.items()}
    figures = {**names.shown(epoch.metrics), **system, "seconds": epoch.seconds, "epoch": number}
    return points_of(figures, milliseconds(epoch.time), number)


def _late(record: StudyRecord, trial: TrialRecord, time_ms: int) -> list[Point]:
    """The points at a trial's end: the test list's metrics, and the paper's."""
    cost = cost_of(record, trial)
    other = names.shown(trial.other.metrics if trial.other else {})
    figures = {
        **names.shown(trial.tested or {}),
        **other_network.named(other, trial.config),
        **(costs.figures(cost) if cost else {}),
        **refinements.figures(record, trial),
    }
    if trial.cell:
        figures |= names.published(record, trial.cell)
    return points_of(figures, time_ms, trial.last_epoch)
