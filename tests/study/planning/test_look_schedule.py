"""What ``--seeds`` and ``--smallest`` plan, and what they refuse."""

from pathlib import Path

import pytest

from cluster.resources import Node
from study.commands.options import parse_request
from study.ledger.events import event_from_json
from study.ledger.plan import Plan
from study.ledger.plan_json import plan_from_json, plan_to_json
from study.planning.look_schedule import seeds_and_looks
from study.planning.make_plan import plan_from_request
from tests.study import fake_grid


def planned(*options: str) -> Plan:
    words = [
        "--space",
        "all_losses",
        "--grid",
        "arms",
        "--cells",
        "lovasz",
        "--trials",
        "0",
        *options,
    ]
    return plan_from_request(parse_request(words), [Node(cpus=8, gpus=0)])


@pytest.mark.parametrize(
    ("given", "seeds", "looks"),
    [
        (3, 3, ()),
        ("9", 9, ()),
        ("6..12", 12, (6, 9, 12)),
        ("6..9", 9, (6, 7, 9)),
        ("6..7", 7, (6, 7)),
        ("3,6,8", 8, (3, 6, 8)),
    ],
)
def test_a_span_looks_at_its_ends_and_halfway(
    given: int | str, seeds: int, looks: tuple[int, ...]
) -> None:
    assert seeds_and_looks(given) == (seeds, looks)


@pytest.mark.parametrize("given", ["12..6", "6..6", "0..6", "6,6", "9,6", "6..", "six", "6;9", ""])
def test_what_is_no_schedule_is_refused_in_one_line(given: str) -> None:
    with pytest.raises(ValueError, match=r"^--seeds must be N, A\.\.B .* got ") as refusal:
        seeds_and_looks(given)
    assert "\n" not in str(refusal.value)


def test_a_plan_keeps_its_looks_and_its_smallest_effect() -> None:
    plan = planned("--seeds", "6..12", "--smallest", "0.2")
    assert (plan.ablation.looks, plan.smallest) == ((6, 9, 12), 0.002)
    again = plan_from_json(plan_to_json(plan))
    assert (again.design, again.smallest) == (plan.design, plan.smallest)


def test_a_distance_keeps_its_own_unit() -> None:
    plan = planned("--objective", "hausdorff", "--smallest", "0.2")
    assert plan.smallest == 0.2


def test_a_plan_without_them_has_no_new_key(tmp_path: Path) -> None:
    line = plan_to_json(fake_grid.plan(tmp_path))
    assert not {"looks", "smallest"} & line.keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seeds", "6..12", "--correction", "holm"), "--seeds must be a number with"),
        (("--smallest", "0.2", "--correction", "holm"), "--smallest must be without"),
        (("--smallest", "0"), "--smallest must be > 0"),
        (("--smallest", "nan"), "--smallest must be > 0"),
    ],
)
def test_what_no_test_exists_for_is_refused(options: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        planned(*options)


def test_a_search_without_a_comparison_has_no_smallest_effect() -> None:
    words = ["--space", "inverseform", "--confirm", "0", "--smallest", "0.2"]
    with pytest.raises(ValueError, match=r"^--smallest must be with --grid or --confirm"):
        plan_from_request(parse_request(words), [Node(cpus=8, gpus=0)])


def test_a_state_that_no_look_has_is_refused() -> None:
    arm = {"state": "great", "seeds": 6, "p": 0.1}
    with pytest.raises(TypeError, match=r"state must be .*, got 'great'"):
        event_from_json({"event": "look", "seeds": 6, "arms": {"a": arm}})
