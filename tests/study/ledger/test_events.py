"""Every event survives its line in the ledger, and lines of older versions are still read."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from study.ledger import events
from study.ledger.events import (
    KINDS,
    BudgetSpent,
    Changed,
    Chosen,
    ChosenWeights,
    Ended,
    EpochEnded,
    Event,
    Finished,
    ImagesResampled,
    LanesChanged,
    LanesWaiting,
    Looked,
    NetworkMeasured,
    Planned,
    Resumed,
    Reused,
    StageReady,
    Started,
    TrialFailed,
    event_from_json,
)
from study.ledger.ledger import Ledger, read
from study.ledger.look import ArmLook
from study.ledger.plan import Plan, PluginText
from study.ledger.prior_trials import Replayed, WarmStart, WarmStartSource, WarmStartTrial
from study.ledger.provenance import Provenance
from study.ledger.record import StudyRecord
from tests.study import fake, fake_grid
from trainables.training.iterations import Iterations

OF_A_STUDY: list[Event] = [
    Resumed(continue_after={}, lanes=3, budget={"hours": 2.0}),
    Started(
        trial=0,
        id="a",
        params={"loss/lovasz": 1.0},
        config={"epochs": 4, "seed": 2},
        cell="plain",
        seed=2,
    ),
    Started(
        trial=1,
        id="b",
        params={},
        config={"epochs": 4},
        cell="good",
        seed=5,
        phase="search",
        generation=0,
        stages=["edge_net-k"],
        reused=Reused(study="other", trial=3, commit=None),
    ),
    NetworkMeasured(key="k", parameters=7, gflops=1.5, milliseconds=2.0, size=[8, 8], device="cpu"),
    StageReady(kind="edge_net", key="k", seconds=2.5, reused=True, quality={"f": None}, curve=[1]),
    EpochEnded(
        trial=1,
        epoch=1,
        metrics={"miou": 0.5, "dice": None},
        lane="lane-0",
        seconds=1.5,
        train_s=1.0,
        evaluate_s=0.5,
        system={"gpu": 0.5},
    ),
    EpochEnded(
        trial=1,
        epoch=2,
        metrics={},
        lane="lane-0",
        seconds=1.5,
        iterations=Iterations(at=[2, 4], terms={"loss": [0.5, 0.25], "lovasz": [None, 1.5]}),
    ),
    Resumed(continue_after={0: 0, 1: 1}),
    Changed(trial=0, id="c", config={"epochs": 4, "batch": 4}),
    Finished(trial=1, state="pruned"),
    TrialFailed(trial=0, kind="memory", message="no\nroom", traceback="Traceback ..."),
    events.Tested(trial=1, metrics={"test_miou": 0.25}),
    events.Untested(trial=0, reason="state.pt: damaged"),
    events.OtherTested(trial=1, epoch=1, metrics={"test_miou": 0.5}),
    Chosen(
        cells={
            "good": ChosenWeights(trial=1, changes={"loss/lovasz": 2.0}),
            "plain": ChosenWeights(trial=None, changes={}),
        }
    ),
    Looked(seeds=3, arms={"good": ArmLook(state="open", seeds=3, p=0.5)}),
    Looked(seeds=6, arms={"good": ArmLook(state="same", seeds=6, p=0.5, p_same=0.01)}),
    ImagesResampled(metrics={"miou": {"good": [-0.5, 0.5]}}),
    LanesWaiting(lanes=2, missing="room"),
    LanesChanged(lanes=1, nodes=1),
    BudgetSpent(used={"hours": 2.5}),
    Ended(),
]


def with_looks(storage: Path) -> Plan:
    plan = fake_grid.plan(storage, smallest=0.002)
    return replace(plan, design=replace(plan.ablation, looks=(3, 6)))


def test_every_event_is_read_as_it_was_written(tmp_path: Path) -> None:
    heard: list[Event] = []
    ledger = fake.begin(with_looks(tmp_path))
    ledger.listeners.append(heard.append)
    for event in OF_A_STUDY:
        ledger.append(event)
    first, *lines = read(ledger.path)[0]
    assert [replace(event_from_json(line), time=0.0) for line in lines] == OF_A_STUDY
    assert [event_from_json(line) for line in lines] == heard
    assert {str(line["event"]) for line in [first, *lines]} == set(KINDS)
    assert Ledger(ledger.path).record == ledger.record


SOURCE = WarmStartSource(digest="e" * 16, left_out={"failed": 2}, differs=["batch"])
WARM = WarmStart(
    studies={"earlier": SOURCE},
    trials=[WarmStartTrial(study="earlier", trial=3, params={"loss/beta": 0.5}, values=[0.5])],
)
REPLAYED = Replayed(
    study="earlier",
    trial=3,
    id="a" * 12,
    digest="e" * 16,
    state="complete",
    commit=None,
    epoch=4,
    metrics={"miou": 0.5, "dice": None},
    tested={},
)
PLANS = {
    "search": fake.plan(Path(), sampler="tpe", scheduler="asha", warm_start=WARM),
    "several objectives": fake.plan(
        Path(), objectives={"miou": "max", "dice": "max"}, budget={"gpu_hours": 2.0}, fresh=True
    ),
    "plug-in": fake.plan(Path(), plugin=PluginText(name="mine.py", text="x = 1\n", digest="f")),
    "ablation": fake_grid.plan(Path()),
    "looks": with_looks(Path()),
    "replay": fake_grid.plan(Path(), seeds=(3,), replayed=REPLAYED),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_read_as_it_was_written_but_for_where_it_runs(name: str) -> None:
    plan = replace(PLANS[name], storage=Path("/there"), tracking_uri="sqlite:///there", places="x")
    provenance = Provenance(commit=None, dirty=None, packages={"torch": "2"}, machine={"cpus": 2})
    written = Planned(plan=plan, data=fake.DATA, provenance=provenance)
    line = json.dumps(written.to_json())
    again = Planned.from_json(json.loads(line))
    nowhere = replace(plan, storage=Path(), tracking_uri="", places="")
    assert again == replace(written, plan=nowhere)
    assert "there" not in line


def applied(plan: Plan, *lines: Mapping[str, object]) -> StudyRecord:
    """The record of a study with these lines of trial 0."""
    record = StudyRecord()
    record.apply(Planned(plan=plan, data=fake.DATA, provenance=Provenance(commit="c", dirty=True)))
    for line in lines:
        record.apply(event_from_json({"time": 1.0, **line}))
    return record


def test_lines_of_an_older_version_lack_fields_and_are_read(tmp_path: Path) -> None:
    started = {"event": "started", "trial": 0, "id": "a", "params": {}, "config": {"seed": 7}}
    epoch = {"event": "epoch", "trial": 0, "epoch": 1, "metrics": {}, "seconds": 1, "lane": "a"}
    images = {"event": "images", "metric": "miou", "cells": {"good": [0.0, 1.0]}}
    record = applied(fake_grid.plan(tmp_path), started, epoch, images)
    trial = record.trials[0]
    assert (trial.seed, trial.stages, trial.reused, trial.phase) == (7, (), None, "")
    assert (trial.epochs[1].train_s, trial.epochs[1].system) == (None, {})
    assert record.images == {"miou": {"good": [0.0, 1.0]}}


def test_a_field_of_a_newer_version_is_ignored() -> None:
    line = {"event": "finished", "time": 1.0, "trial": 0, "state": "complete", "mood": "good"}
    assert event_from_json(line) == Finished(time=1.0, trial=0, state="complete")
