"""How many lanes, and what changes when machines come and go."""

from pathlib import Path

import pytest
from ray.tune.search import ConcurrencyLimiter, Searcher

from cluster.resources import Node
from study.execution.callbacks import lanes
from study.planning import runs
from tests.study import fake


class Endless(Searcher):
    """Always has another trial."""

    def suggest(self, trial_id: str) -> dict[str, object]:
        return {"trial": trial_id}

    def on_trial_complete(
        self, trial_id: str, result: object = None, error: bool = False
    ) -> None: ...

    def save(self, checkpoint_path: str) -> None: ...

    def restore(self, checkpoint_path: str) -> None: ...


def test_lanes_are_counted_again_where_a_study_is_resumed(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, lanes=7, workers=2)
    here = runs.place(plan, [Node(4, 0, "a"), Node(1, 0, "b")], 0)
    assert (here.lanes, here.most_lanes, here.places) == (2, 0, "2 on a")
    with pytest.raises(ValueError, match="--workers must be at most 1"):
        runs.place(plan, [Node(1, 0, "a")], 0)


def test_at_least_one_lane_waits_and_no_more_run_than_requested(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, workers=2, trials=100, most_lanes=3)
    assert runs.lanes_on(plan, [Node(1, 0)]) == 1
    assert runs.lanes_on(plan, [Node(4, 0), Node(3, 0)]) == 3
    assert runs.lanes_on(plan, [Node(64, 0)]) == 3


def test_machines_that_join_get_trials_and_those_that_leave_get_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "_COUNT_EVERY_S", 0.0)
    plan = fake.plan(tmp_path, trials=100, lanes=1)
    limiter = ConcurrencyLimiter(Endless(), plan.lanes)
    nodes, changes = [Node(1, 0)], []
    follow = lanes.ElasticLanes(
        plan, limiter, lambda: nodes, lambda count, there: changes.append((count, there))
    )
    assert limiter.suggest("a")
    assert limiter.suggest("b") is None
    nodes.append(Node(2, 0))
    follow.on_step_begin(0, [])
    follow.on_step_begin(1, [])
    assert limiter.suggest("b")
    assert limiter.suggest("c")
    del nodes[1]
    follow.on_step_begin(2, [])
    limiter.on_trial_complete("a")
    assert limiter.suggest("d") is None  # two trials still run where one may
    assert changes == [(3, 2), (1, 1)]
