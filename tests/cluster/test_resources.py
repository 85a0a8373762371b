"""Lanes from resources: worked out by hand."""

import pytest

from cluster.resources import LaneRequest, Node, count_lanes


def lanes(nodes: list[Node], workers: int, *, cpus: float = 1, gpus: float = 0,
          wanted: int = 0, trials: int = 100) -> int:  # fmt: skip
    return count_lanes(nodes, LaneRequest(workers, cpus, gpus), wanted, trials)


def test_lanes_fill_the_cluster_and_no_more() -> None:
    laptop, node = Node(2, 0), Node(16, 4)
    assert lanes([laptop], 1) == 2
    assert lanes([laptop], 2) == 1
    assert lanes([node], 2, gpus=1) == 2
    assert lanes([node], 1, gpus=0.5) == 8
    assert lanes([node], 1, gpus=0.5, cpus=4) == 4
    assert lanes([Node(0, 0), node, node], 4, gpus=1) == 2


def test_a_worker_lies_whole_on_one_machine() -> None:
    assert lanes([Node(3, 0), Node(3, 0)], 1, cpus=2) == 2


def test_no_more_lanes_than_trials_or_than_wanted() -> None:
    assert lanes([Node(16, 0)], 1, trials=3) == 3
    assert lanes([Node(16, 0)], 1, wanted=4) == 4


@pytest.mark.parametrize(
    ("workers", "wanted", "words"),
    [(3, 0, "--workers must be at most 2, what this cluster holds, got 3"),
     (1, 3, "--lanes must be at most 2, what this cluster holds at 1 workers each, got 3")],
)  # fmt: skip
def test_what_can_never_fit_is_refused(workers: int, wanted: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lanes([Node(2, 0)], workers, wanted=wanted)


@pytest.mark.parametrize(
    "request_of", [lambda: LaneRequest(0, 1, 0), lambda: LaneRequest(1, 0, 0),
                   lambda: LaneRequest(1, 1, -1)],
)  # fmt: skip
def test_a_lane_must_ask_for_something(request_of: object) -> None:
    assert callable(request_of)
    with pytest.raises(ValueError, match="must be >="):
        request_of()
