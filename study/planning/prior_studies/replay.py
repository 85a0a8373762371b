"""One trial again from its record, as a study of its own: does it give the same figures?"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster.resources import LaneRequest, Node, count_lanes
from search_spaces.grid import Cell, Grid
from study.ledger import study_folder
from study.ledger.plan import Plan, plan_from_event
from study.ledger.record import StudyRecord, TrialRecord
from study.ledger.study_folder import check_name, load_record, other_studies
from study.planning.request import PLACES, require_only, storage_of, tracking_uri_of
from trainables.config import from_flat
from trainables.metrics.catalog import METRICS

CELL = "again"
_ALLOWED = {*PLACES, "replay", "name"} - {"max_hours", "max_gpu_hours"}


def replay_plan(given: argparse.Namespace, nodes: list[Node]) -> Plan:
    """The trial's own config on as many workers, and its figures to hold the new ones against.

    Raises:
        ValueError: an option that the record decides, no such trial, or too little for its lane.
    """
    require_only(given, _ALLOWED, "replay", "its record has decided it")
    folder = storage_of(given)
    record, trial = find(folder, given.replay)
    was = plan_from_event(record.plan, folder, tracking_uri_of(given), 1)
    request = LaneRequest(was.workers, was.cpus_per_worker, was.gpus_per_worker)
    dataset, stamp = trial.config["data/dataset"], time.strftime("%Y%m%d-%H%M%S")
    name = given.name or f"{was.space}-replay-{dataset}-{stamp}"
    check_name(name)
    return replace(
        was,
        study=name,
        base=from_flat(trial.config),
        grid=_grid(was, trial),
        trials=1,
        seeds=(int(trial.config["seed"]),),
        sampler="none",
        scheduler="none",
        fresh=True,
        lanes=count_lanes(nodes, request, given.lanes, 1),
        objectives={},
        budget={},
        warm_start={},
        search_trials=0,
        replay=_source(record, trial),
    )


def find(studies: Path, which: str) -> tuple[StudyRecord, TrialRecord]:
    """A trial by ``NAME/number``, or by the twelve digits of its content anywhere in the storage.

    Raises:
        ValueError: there is none.
    """
    name, slash, number = which.partition("/")
    if not slash:
        for record in other_studies(studies):
            for trial in record.trials.values():
                if trial.id == which and not trial.reused:
                    return record, trial
        raise ValueError(
            f"--replay must be NAME/NUMBER or the id of a trial in {studies}, got {which!r}"
        )
    check_name(name, "--replay")
    study_folder.require_known("--replay", studies / name)
    record = load_record(studies / name)
    if not number.isdigit() or int(number) not in record.trials:
        raise ValueError(
            f"--replay must name one of the {len(record.trials)} trials of {name}, got {which!r}"
        )
    return record, record.trials[int(number)]


def _grid(was: Plan, trial: TrialRecord) -> Grid:
    """A grid of one cell, so that the trial is run, measured and shown as any other."""
    reported = {f"{was.study}/{trial.number}, val": _figures(trial.metrics)}
    if trial.tested:
        tested = {name.removeprefix("test_"): value for name, value in trial.tested.items()}
        reported[f"{was.study}/{trial.number}, test"] = _figures(tested)
    return Grid(
        name="replay",
        question=f"Does trial {trial.number} of {was.study} give the same figures again?",
        source=f"trial {trial.number} of {was.study}, id {trial.id}",
        baseline=CELL,
        cells=(Cell(name=CELL, changes={}, published=reported),),
    )


def _source(record: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    return {
        "study": record.plan["study"],
        "trial": trial.number,
        "id": trial.id,
        "digest": record.plan["data"]["digest"],
        "state": trial.state,
        "commit": record.plan["provenance"]["commit"],
        "epoch": trial.last_epoch,
        "metrics": trial.metrics,
        "tested": trial.tested or {},
    }


def _figures(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: metrics[name] for name in METRICS if metrics.get(name) is not None}


def described(source: dict[str, Any]) -> str:
    """The plan's line."""
    commit = (source["commit"] or "unknown")[:12]
    return (
        f"trial {source['trial']} of {source['study']} (id {source['id']}, {source['state']}, "
        f"{source['epoch']} epochs, commit {commit})"
    )
