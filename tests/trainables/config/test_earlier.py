"""Configs of versions before ``inverse_net/distance`` mean what they meant there."""

import json
from pathlib import Path

import pytest

from study.ledger.plan_json import plan_from_json
from trainables.config import TrialConfig, flatten, from_flat
from trainables.config.earlier import changes_beside, translated

OLD = Path(__file__).parents[2] / "study/ledger/schema_1"
WERE = {
    "inverse_net/distance": "euclidean",
    "inverse_net/soften": True,
    "inverse_net/unlike": True,
    "inverse_net/rotation": 20.0,
    "inverse_net/zoom": 0.2,
    "inverse_net/unlike_weight": 3.4,
    "inverse_net/blur": 0.75,
    "inverse_net/adversary_lr": 0.1,
    "edge_net/clean_share": 0.25,
    "loss/edge_reduction": "sum",
    "loss/edge_norm": "l1",
    "loss/geodesic": "bounded",
    "loss/ar_sampling": "nearest",
    "optim/fused": False,
    "optim/cudnn_benchmark": False,
    "optim/tf32": "convolutions",
    "optim/deterministic": False,
}
"""The fields of today that were constants, or other defaults, when those ledgers were written."""


@pytest.mark.parametrize("name", ["search", "grid", "cells"])
def test_an_old_plan_and_its_trials_have_the_network_that_they_had(name: str) -> None:
    lines = [json.loads(line) for line in (OLD / name / "ledger.jsonl").read_text().splitlines()]
    plan = plan_from_json(lines[0])
    for line in lines:
        if line["event"] != "started":
            continue
        flat = flatten(from_flat(line["config"]))
        assert plan.resolve({**line["params"], "seed": line["config"]["seed"]}) == flat
        known = "aet_dense" if line["config"]["inverse_net/network"] == "aet" else "dense"
        assert flat["inverse_net/network"] == known
        assert {path: flat[path] for path in WERE} == WERE
        same = flat.keys() & line["config"].keys() - {"inverse_net/network"}
        assert {path: flat[path] for path in same} == {path: line["config"][path] for path in same}


def test_a_config_of_today_is_not_touched() -> None:
    flat = flatten(TrialConfig().changed({"inverse_net/network": "aet"}))
    assert translated(flat) == flat
    assert from_flat(flat).inverse_net.network == "aet"
    assert changes_beside(flat, {"inverse_net/network": "aet"}) == {"inverse_net/network": "aet"}
    assert from_flat({"inverse_net/network": "aet"}).inverse_net.network == "aet"


def test_an_old_search_is_read_and_resumed_with_the_space_that_drew_its_trials() -> None:
    lines = [json.loads(line) for line in (OLD / "search/ledger.jsonl").read_text().splitlines()]
    space = plan_from_json(lines[0]).known_space()
    drawn = [line["params"] for line in lines if line["event"] == "started"]
    assert drawn
    for params in drawn:
        # Drawn again, in the same order of dimensions, and nothing else.
        assert list(space.distributions(params)) == list(params)
    today = plan_from_json({**lines[0], "base": flatten(TrialConfig())}).known_space()
    assert "inverse_net/network" not in {dimension.path for dimension in today.dimensions}
