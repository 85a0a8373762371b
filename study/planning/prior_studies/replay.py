"""Replay: one trial runs again from its record, as its own study, to compare the figures."""

import time
from dataclasses import replace
from pathlib import Path

from cluster.resources import LaneRequest, Node, count_lanes
from search_spaces import Cell, Grid
from search_spaces.setup import of_earlier_study
from study.ledger.design import Ablation
from study.ledger.events import Metrics
from study.ledger.other_studies import other_records
from study.ledger.plan import Plan
from study.ledger.prior_trials import Replayed
from study.ledger.record import StudyRecord
from study.ledger.storage import check_name
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.planning.earlier_plugin import install_earlier
from study.planning.request import PLACES, StudyRequest
from trainables.config import refused
from trainables.config.trial_id import is_of_trial
from trainables.config.words import counted
from trainables.metrics.catalog import METRICS

CELL = "again"
_ALLOWED = {*PLACES, "replay", "name"} - {"max_hours", "max_gpu_hours"}


def replay_plan(request: StudyRequest, nodes: list[Node]) -> Plan:
    """Plan a trial's config on the same number of workers, with its figures for comparison.

    Raises:
        ValueError: an option is given that the record decides, there is no such trial, or its lane
            does not fit here.
    """
    assert request.replay is not None
    request.require_only(_ALLOWED, "replay", "its record has decided it")
    record, trial = find(request.storage_folder(), request.replay)
    earlier = record.plan
    install_earlier(earlier, "--replay", request.trust)

    if is_of_trial(str(trial.config.get("model/init", ""))):
        allowed = "a trial that does not start from another one's network: run its grid again"
        raise refused("--replay", allowed, request.replay)
    _require_same_weights(record, trial)
    lane = LaneRequest(earlier.workers, earlier.cpus_per_worker, earlier.gpus_per_worker)
    dataset, stamp = trial.config["data/dataset"], time.strftime("%Y%m%d-%H%M%S")
    name = request.name or f"{earlier.space}-replay-{dataset}-{stamp}"
    check_name(name)
    grid = _grid(earlier, trial)
    seeds = (int(trial.config["seed"]),)
    return replace(
        earlier,
        study=name,
        question=grid.question,
        design=Ablation(grid=grid, seeds=seeds, replayed=_replayed(record, trial)),
        base={**earlier.base, **trial.config},
        objectives={earlier.objective: earlier.mode},
        gpu_share=None,  # the share is the earlier study's, and nothing is measured again
        budget={},
        sharing=False,
        fresh=True,  # or the replayed trial itself would be reused
        lanes=count_lanes(nodes, lane, request.lanes, 1),
        storage=request.storage_folder(),
        tracking_uri=request.tracking(),
    )


def _require_same_weights(record: StudyRecord, trial: TrialRecord) -> None:
    """Raise a ValueError if the trial started from another content of its files of weights."""
    assert record.planned is not None
    files = [trial.config.get(path) for path in ("model/weights", "model/init")]
    known = {name: content for name, content in record.planned.weights.items() if name in files}
    if known:
        from study.planning.weights import require_same_weights  # imports torch

        require_same_weights("--replay", known)


def find(storage: Path, reference: str) -> tuple[StudyRecord, TrialRecord]:
    """Find a trial by ``NAME/NUMBER``, or by its id in any study of the storage.

    Raises:
        ValueError: there is no such trial.
    """
    name, slash, number = reference.partition("/")
    if not slash:
        for record in other_records(storage):
            for trial in record.trials.values():
                # The trial that ran, not a copy of its events in a later ledger.
                if trial.id == reference and not trial.reused:
                    return record, trial
        raise refused("--replay", f"NAME/NUMBER or the id of a trial in {storage}", reference)
    check_name(name, "--replay")
    folder = StudyFolder(storage / name)
    folder.require_known("--replay")
    record = folder.load()
    if not number.isdigit() or int(number) not in record.trials:
        raise ValueError(
            f"--replay must name one of the {len(record.trials)} trials of {name}, got "
            f"{reference!r}"
        )
    return record, record.trials[int(number)]


def _grid(earlier: Plan, trial: TrialRecord) -> Grid:
    """A grid of one cell, so that the trial runs and is reported like any other."""
    reported = {f"{earlier.study}/{trial.number}, val": _figures(trial.metrics)}
    if trial.tested:
        tested = {name.removeprefix("test_"): value for name, value in trial.tested.items()}
        reported[f"{earlier.study}/{trial.number}, test"] = _figures(tested)
    return Grid(
        name="replay",
        question=f"Does trial {trial.number} of {earlier.study} give the same figures again?",
        source=f"trial {trial.number} of {earlier.study}, id {trial.id}",
        baseline=CELL,
        cells=(Cell(name=CELL, changes={}, published=reported),),
        setups=tuple(map(of_earlier_study, reported)),
    )


def _replayed(record: StudyRecord, trial: TrialRecord) -> Replayed:
    return Replayed(
        study=record.plan.study,
        trial=trial.number,
        id=trial.id,
        digest=record.data.digest,
        state=trial.state,
        commit=record.provenance.commit,
        epoch=trial.measured_epoch,
        metrics=trial.metrics,
        tested=trial.tested or {},
    )


def _figures(metrics: Metrics) -> dict[str, float]:
    return {name: value for name in METRICS if (value := metrics.get(name)) is not None}


def described(replayed: Replayed) -> str:
    """The plan's line about the trial that is replayed."""
    commit = (replayed.commit or "unknown")[:12]
    return (
        f"trial {replayed.trial} of {replayed.study} (id {replayed.id}, {replayed.state}, "
        f"{counted(replayed.epoch, 'epoch')}, commit {commit})"
    )
