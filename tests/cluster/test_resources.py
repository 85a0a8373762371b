"""Lanes from resources; the expected numbers are worked out by hand."""

import math

import pytest

from cluster import autoscaler
from cluster.resources import LaneRequest, Node, count_lanes, placement


def lanes(
    nodes: list[Node],
    workers: int,
    *,
    cpus: float = 1,
    gpus: float = 0,
    wanted: int = 0,
    trials: int = 100,
) -> int:
    return count_lanes(nodes, LaneRequest(workers, cpus, gpus), wanted, trials)


def test_lanes_fill_the_cluster_and_no_more() -> None:
    laptop, node = Node(2, 0), Node(16, 4)
    assert lanes([laptop], 1) == 2
    assert lanes([laptop], 2) == 1
    assert lanes([node], 2, gpus=1) == 2
    assert lanes([node], 1, gpus=0.5) == 8
    assert lanes([node], 1, gpus=0.5, cpus=4) == 4
    assert lanes([Node(0, 0), node, node], 4, gpus=1) == 2


def test_a_worker_spans_no_two_machines() -> None:
    assert lanes([Node(3, 0), Node(3, 0)], 1, cpus=2) == 2


def test_no_more_lanes_than_trials_or_than_wanted() -> None:
    assert lanes([Node(16, 0)], 1, trials=3) == 3
    assert lanes([Node(16, 0)], 1, wanted=4) == 4


@pytest.mark.parametrize(
    ("workers", "wanted", "words"),
    [
        (1, -1, "--lanes must be >= 0, got -1"),
        (3, 0, "--workers must be at most 2, what this cluster holds at 1 CPU each, got 3"),
        (1, 3, "--lanes must be at most 2, what this cluster holds at 1 workers each, got 3"),
    ],
)
def test_what_can_never_fit_is_refused(workers: int, wanted: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lanes([Node(2, 0)], workers, wanted=wanted)


@pytest.mark.parametrize(
    "request_of",
    [lambda: LaneRequest(0, 1, 0), lambda: LaneRequest(1, 0, 0), lambda: LaneRequest(1, 1, -1)],
)
def test_a_lane_must_request_a_resource(request_of: object) -> None:
    assert callable(request_of)
    with pytest.raises(ValueError, match="must be >="):
        request_of()


@pytest.mark.parametrize(
    ("workers", "gpus", "words"),
    [
        (1, 1.5, "must be whole above 1, got 1.5"),
        (2, 0.5, "must be whole with more than one"),
        (1, math.nan, "must be >= 0, got nan"),
    ],
)
def test_an_impossible_share_of_a_gpu_is_refused(workers: int, gpus: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LaneRequest(workers, 1, gpus)


def test_a_share_of_a_gpu_spans_no_two_gpus() -> None:
    """Two shares of 0.4 fit on a GPU: 4 on two GPUs, though 2 / 0.4 is 5."""
    assert lanes([Node(16, 2)], 1, gpus=0.4) == 4


def test_machines_that_may_join_count_and_the_error_says_so() -> None:
    coming = Node(4, 1, here=False)
    assert lanes([Node(0, 0), coming, coming], 2, gpus=1) == 1
    with pytest.raises(ValueError, match="at most 2, what this cluster holds at its most"):
        lanes([Node(0, 0), coming, coming], 3, gpus=1)


def test_a_lane_is_packed_onto_one_machine_if_one_has_room() -> None:
    nodes = [Node(2, 0, "a"), Node(3, 0, "b"), Node(1, 0, "c")]
    assert placement(nodes, LaneRequest(2, 1, 0), 3) == "1 on a, 1 on b, 1 over b and c"
    assert placement([Node(2, 0)], LaneRequest(1, 1, 0), 2) == ""  # a laptop has no names


def test_the_plan_names_what_waits_for_the_autoscaler() -> None:
    nodes = [Node(3, 0, "a"), *[Node(4, 0, here=False)] * 2]
    assert placement(nodes, LaneRequest(2, 1, 0), 3) == (
        "1 on a, 2 waiting for the autoscaler: room for 3 more workers of 1 CPU"
    )


def test_the_autoscalers_limits_less_the_machines_that_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        autoscaler.VARIABLE, '[{"CPU": 8, "GPU": 1, "max": 3}, {"CPU": 2, "max": 1}]'
    )
    there = [Node(8, 1, "a"), Node(2, 0, "b"), Node(2, 0, "c")]
    assert autoscaler.may_join(there) == [Node(8, 1, here=False)] * 2
    monkeypatch.setenv(autoscaler.VARIABLE, "many")
    with pytest.raises(ValueError, match="EDGEWISE_MAY_JOIN must be like"):
        autoscaler.may_join([])
