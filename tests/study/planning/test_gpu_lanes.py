"""``--gpus-per-worker auto``: from a lane's figures to the lanes that share a GPU."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.resources import Node, count_lanes
from search_spaces import SPACES, Dimension
from search_spaces.space import Space
from study.commands import options
from study.execution import gpu_probing
from study.ledger.events import Planned
from study.ledger.gpu_share import GpuShare
from study.ledger.ledger import Ledger
from study.planning.gpu_lanes import decided
from study.planning.largest import largest
from study.planning.make_plan import plan_from_request
from study.planning.request import StudyRequest
from study.planning.runs import place, request_of
from tests.study import fake
from trainables.data import load
from trainables.training.batch_fit import GIB
from trainables.training.gpu_need import GpuNeed
from trainables.training.gpu_sharing import MARGIN, by_memory, by_utilization

H100 = [Node(cpus=16, gpus=1)]


def need(peak: float, busy: float | None, beside: float = 0.5, total: float = 80.0) -> GpuNeed:
    """Sizes in GiB."""
    return GpuNeed(
        batch=8,
        size="360x480",
        peak=int(peak * GIB),
        beside=int(beside * GIB),
        total=int(total * GIB),
        busy=busy,
        device="H100",
    )


@pytest.mark.parametrize(
    ("peak", "busy", "cpus", "trials", "lanes", "limit"),
    [
        (5.0, 0.2, 1.0, 99, 5, "utilisation"),
        (30.0, 0.2, 1.0, 99, 2, "memory"),
        (40.0, 0.01, 1.0, 99, 1, "memory"),
        (5.0, 0.95, 1.0, 99, 1, "utilisation"),
        (1.0, 0.01, 4.0, 99, 4, "CPUs"),
        (1.0, 0.01, 1.0, 3, 3, "trials"),
        (5.0, None, 1.0, 99, 13, "memory"),
        (79.0, 0.2, 1.0, 99, 1, "memory"),
    ],
)
def test_what_is_scarce_decides(
    peak: float, busy: float | None, cpus: float, trials: int, lanes: int, limit: str
) -> None:
    share = decided(need(peak, busy), H100, cpus, trials)
    assert (share.lanes, share.limited_by) == (lanes, limit)


def test_images_that_a_lane_holds_on_the_gpu_are_counted() -> None:
    share = decided(replace(need(5.0, 0.02), lists=5 * GIB), H100, 1.0, 99)
    assert (share.lanes, share.limited_by, share.lists_mib) == (6, "memory", 5 * 1024)
    assert "took 5.0 GiB, 5.0 GiB for images and 0.5 GiB beside it" in str(share)


def test_all_lanes_of_a_gpu_have_their_peak_its_margin_and_their_context() -> None:
    """Of a MIG slice of 10 GB, too: nothing assumes a card's size."""
    for total in (9.75, 40.0, 80.0):
        for peak in (0.3, 1.0, 2.2):
            lanes = by_memory(int(peak * GIB), GIB // 2, int(total * GIB))
            each = peak * (1 + MARGIN) + 0.5
            assert lanes * each <= total < (lanes + 1) * each + 1e-6


def test_a_lane_is_added_while_a_tenth_of_the_time_is_idle() -> None:
    for percent in range(1, 101):
        lanes = by_utilization(percent / 100)
        assert lanes == 48 or (lanes - 1) * percent < 90 <= lanes * percent


def test_cpus_and_trials_count_for_each_gpu() -> None:
    nodes = [Node(cpus=8, gpus=4), Node(cpus=8, gpus=0)]
    assert decided(need(1, 0.01), nodes, 1.0, 99).lanes == 2
    assert decided(need(1, 0.01), [Node(64, 4)], 1.0, 6).lanes == 2


def test_lanes_of_the_share_fit_into_ray_s_gpu() -> None:
    for lanes in range(1, 49):
        share = gpu_probing.share_in_ray(lanes)
        assert share == round(share, 4), "Ray counts ten-thousandths"
        assert lanes * share <= 1
        assert (lanes + 1) * share > 1


def test_what_does_not_fit_is_refused_with_its_figures() -> None:
    refused = GpuNeed(**{**vars(need(0, None)), "refused": "batch 64 of 512x1024 needs 93 GiB"})
    with pytest.raises(ValueError, match=r"^--gpus-per-worker auto: batch 64 of 512x1024 needs 93"):
        decided(refused, H100, 1.0, 99)


def test_the_plan_has_the_share_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = StudyRequest(space="region", gpus_per_worker="auto", storage=tmp_path, trials=20)
    plan = plan_from_request(auto, H100)
    assert "measured before the first trial" in str(plan.gpu_share)
    monkeypatch.setattr(gpu_probing, "_need", lambda *given: need(5.0, 0.2))
    found = gpu_probing.with_share(plan, SPACES["region"], load(plan.config.data), H100, 1.0)
    assert (found.gpus_per_worker, found.lanes) == (0.2, 5)
    assert str(found.gpu_share) == (
        "5 lanes a GPU, limited by utilisation: on H100 a step of batch 8 of 360x480 took 5.0 GiB "
        "and 0.5 GiB beside it of 80.0 GiB, and computed for 20 % of its time"
    )
    # As an attempt that resumes reads it.
    ledger = fake.begin(found)
    again = Ledger(ledger.path).record.plan
    assert again.gpu_share == found.gpu_share
    assert count_lanes(H100, request_of(again), 0, 99) == 5


def test_wanted_lanes_are_counted_by_the_measured_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = StudyRequest(space="region", gpus_per_worker="auto", storage=tmp_path, lanes=3)
    plan = place(plan_from_request(auto, H100), H100, auto.lanes)
    assert (plan.lanes, plan.most_lanes) == (1, 3)
    data = load(plan.config.data)
    monkeypatch.setattr(gpu_probing, "_need", lambda *given: need(5.0, 0.2))
    found = gpu_probing.with_share(plan, SPACES["region"], data, H100, 1.0)
    assert (found.lanes, found.gpus_per_worker) == (3, 0.3333)
    monkeypatch.setattr(gpu_probing, "_need", lambda *given: need(30.0, 0.2))
    with pytest.raises(ValueError, match=r"^--lanes must be at most 2, .* limited by memory: on"):
        gpu_probing.with_share(plan, SPACES["region"], data, H100, 1.0)
    monkeypatch.setattr(gpu_probing, "accelerators", lambda: "1 x A10G, 2 x H100")
    words = r"^--gpus-per-worker must be a number on GPUs of several kinds, got 'auto on 1 x A10G"
    with pytest.raises(ValueError, match=words):
        gpu_probing.with_share(plan, SPACES["region"], data, H100, 1.0)
    with pytest.raises(ValueError, match=r"^--lanes must be >= 0, got -1"):
        plan_from_request(replace(auto, lanes=-1), H100)


def test_older_plans_and_given_shares_have_no_such_key(tmp_path: Path) -> None:
    ledger = fake.begin(fake.plan(tmp_path, gpus_per_worker=0.25))
    planned = ledger.record.planned
    assert isinstance(planned, Planned)
    assert "gpu_share" not in planned.to_json()
    assert ledger.record.plan.gpu_share is None


@pytest.mark.parametrize(
    ("given", "nodes", "words"),
    [
        ("auto", [Node(16, 0)], "^--gpus-per-worker must be 0 on machines without a GPU, got"),
        ("half", H100, "^--gpus-per-worker must be a number or auto, got 'half'"),
    ],
)
def test_a_mistake_is_one_line(given: str, nodes: list[Node], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan_from_request(StudyRequest(space="region", gpus_per_worker=given), nodes)


def test_the_command_takes_a_number_or_auto(capsys: pytest.CaptureFixture[str]) -> None:
    read = [options.parse_request(["--gpus-per-worker", word]) for word in ("auto", "0.25")]
    assert [request.gpus_per_worker for request in read] == ["auto", 0.25]
    with pytest.raises(SystemExit) as ended:
        options.parse_request(["--gpus-per-worker", "half"])
    assert ended.value.code == 2
    assert "must be a number or auto, got 'half'" in capsys.readouterr().err


def test_several_workers_have_whole_gpus() -> None:
    request = StudyRequest(space="region", gpus_per_worker="auto", workers=2)
    plan = plan_from_request(request, [Node(16, 4)])
    assert plan.gpus_per_worker == 1
    assert plan.gpu_share == GpuShare(lanes=1, limited_by="workers")
    assert "whole GPUs" in str(plan.gpu_share)


def test_the_largest_config_of_a_search_is_at_its_bounds(tmp_path: Path) -> None:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    space = Space(
        name="sizes",
        question="?",
        dimensions=(
            Dimension(path="batch", distribution=IntDistribution(2, 24), why="-"),
            Dimension(
                path="model/width", distribution=CategoricalDistribution((4, 16, 8)), why="-"
            ),
            Dimension(
                path="data/crop_height", distribution=CategoricalDistribution((16, 32)), why="-"
            ),
        ),
    )
    base = fake.plan(tmp_path).config.changed({"data/crop_height": 8, "data/crop_width": 8})
    plan = fake.plan(tmp_path, base=base)
    found = largest(plan, space, load(plan.config.data))
    assert (found.batch, found.model.width, found.data.crop_height) == (24, 16, 32)
