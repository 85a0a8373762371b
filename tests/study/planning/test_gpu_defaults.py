"""How a study trains on GPUs: defaults where nobody says otherwise, and nothing on CPUs."""

from pathlib import Path

import pytest

from cluster.resources import Node
from study.commands.options import parse_request
from study.ledger.plan import Plan
from study.planning import gpu_defaults
from study.planning.make_plan import plan_from_request
from tests.gpu.steps import VARIANTS
from trainables.config import TrialConfig, flatten

NEW = Node(cpus=8, gpus=2, has_bf16=True)
OLD = Node(cpus=8, gpus=2)
DEFAULTS = VARIANTS["as a study plans it"]
"""What `make gpu` measures is what is planned."""
FIELDS = [path for path in flatten(TrialConfig()) if path.startswith("optim/")]


def planned(tmp_path: Path, *words: str, nodes: tuple[Node, ...] = (NEW,)) -> Plan:
    what = ("--seeds", "6") if "--factor" in words else ("--space", "region")
    given = parse_request(["--storage", str(tmp_path), *what, *words])
    return plan_from_request(given, list(nodes))


def changed(plan: Plan) -> dict[str, object]:
    """What a plan's base has otherwise than the same plan on CPUs."""
    usual = flatten(TrialConfig())
    own = ("optim/lr", "optim/schedule")  # of the built-in data's recipe
    return {p: plan.base[p] for p in FIELDS if plan.base[p] != usual[p] and p not in own}


GPUS = ("--gpus-per-worker", "1")


def test_a_study_on_cpus_has_no_other_byte(tmp_path: Path) -> None:
    here, there = (planned(tmp_path, "--name", "a", nodes=(n,)) for n in (NEW, Node(8, 0)))
    assert here == there
    assert changed(here) == {}
    assert gpu_defaults.line(here) == {}
    assert gpu_defaults.on_cpu(here.config, here) is here.config


def test_a_study_on_gpus_has_its_defaults_in_the_base_config(tmp_path: Path) -> None:
    plan = planned(tmp_path, *GPUS)
    assert changed(plan) == DEFAULTS
    assert gpu_defaults.line(plan)["on GPUs"] == (
        "bf16, channels-last, fused optimiser, cudnn.benchmark in training, no TF32; "
        "losses stay fp32; --set optim/precision=fp32 and the like change it"
    )
    timed = gpu_defaults.on_cpu(plan.config, plan).optim
    assert (timed.precision, timed.channels_last, timed.fused) == ("fp32", False, True)


@pytest.mark.parametrize("nodes", [(OLD,), (NEW, OLD), (Node(8, 0), Node(8, 1, here=False))])
def test_a_card_that_is_not_known_to_have_bf16_gets_fp32(
    tmp_path: Path, nodes: tuple[Node, ...]
) -> None:
    plan = planned(tmp_path, *GPUS, nodes=nodes)
    assert plan.base["optim/precision"] == "fp32"
    assert plan.base["optim/tf32"] == "convolutions"  # torch's own, stated
    assert "bf16 is the default on cards that are known" in gpu_defaults.line(plan)["on GPUs"]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("--set", "optim/precision=fp32"), {"optim/precision", "optim/tf32"}),
        (("--set", "optim/fused=false"), {"optim/fused"}),
        (("--set", "optim/tf32=convolutions"), {"optim/tf32"}),
        (("--factor", "optim/precision=fp32,bf16"), {"optim/precision", "optim/tf32"}),
        (("--factor", "optim/channels_last=true"), {"optim/channels_last"}),
        (("--set", "optim/deterministic=true"), {"optim/cudnn_benchmark"}),
        (("--factor", "optim/deterministic=true"), {"optim/cudnn_benchmark"}),
    ],
)
def test_what_is_said_otherwise_stays(
    tmp_path: Path, words: tuple[str, ...], left: set[str]
) -> None:
    found = changed(planned(tmp_path, *GPUS, *words))
    found.pop("optim/deterministic", None)
    assert found == {path: value for path, value in DEFAULTS.items() if path not in left}
