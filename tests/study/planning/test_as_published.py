"""`--as-published` takes network, data, training and evaluation from a paper's table."""

from pathlib import Path

import pytest

from cluster.resources import Node
from study.analysis.comparability import comparable
from study.commands import options
from study.ledger.plan import Plan
from study.planning.make_plan import plan_from_request

NYUV2 = {"train": 795, "test": 654}
W18_AND_W48 = ["--space", "inverseform", "--grid", "table1", "--as-published", "all"]


def planned(tmp_path: Path, *words: str) -> Plan:
    places = ["--storage", str(tmp_path), "--data", str(tmp_path)]
    request = options.parse_request([*words, *places])
    return plan_from_request(request, [Node(cpus=8, gpus=0)])


def test_it_measures_as_the_first_setup_of_the_table_did(tmp_path: Path) -> None:
    plan = planned(tmp_path, "--space", "inverseform", "--grid", "table1", "--as-published")
    config = plan.config
    assert (config.model.network, config.data.dataset) == ("hrnet_w18", "nyuv2")
    assert (config.epochs, config.batch, config.data.crop_width) == (100, 8, 640)
    assert comparable(plan, plan.grid, NYUV2) == ["HRNet-w18, NYUv2"]
    # without it, the grid runs on the user's config as before
    users = ["--space", "inverseform", "--grid", "table1", "--storage", str(tmp_path)]
    request = options.parse_request(users)
    assert plan_from_request(request, [Node(cpus=8, gpus=0)]).config.epochs == 7


@pytest.mark.parametrize(
    ("setup", "network", "scales"),
    [
        ("RefineNet-LW-50, NYUv2 val", "refinenet_lw_50", "1"),
        ("PSPNet-101, NYUv2 val", "pspnet_r101", "0.5,0.75,1,1.25,1.5,1.75"),
        ("RefineNet-LW-152, NYUv2 val", "refinenet_lw_152", "1"),
    ],
)
def test_a_table_of_several_networks_has_a_setup_for_each(
    tmp_path: Path, setup: str, network: str, scales: str
) -> None:
    plan = planned(tmp_path, "--space", "affinity", "--grid", "table1", "--as-published", setup)
    assert (plan.config.model.network, plan.config.eval.scales) == (network, scales)
    assert comparable(plan, plan.grid, NYUV2) == [setup]


def test_options_still_override_what_they_name(tmp_path: Path) -> None:
    table = ["--space", "affinity", "--grid", "table1", "--as-published"]
    plan = planned(tmp_path, *table, "--epochs", "2", "--set", "eval/flip=true")
    assert (plan.epochs, plan.config.eval.flip) == (2, True)
    assert comparable(plan, plan.grid, NYUV2) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--space", "affinity", "--as-published"], "goes with --grid: a search has no published"),
        (
            ["--space", "affinity", "--grid", "table1", "--as-published", "--recipe", "ar_nyuv2"],
            "--recipe cannot be given with --as-published",
        ),
        (
            ["--space", "affinity", "--grid", "table1", "--as-published", "VGG"],
            "--as-published must be all, or one of RefineNet-LW-50, NYUv2 val; PSPNet-101",
        ),
        (
            ["--space", "inverseform", "--grid", "table2", "--as-published"],
            "has no setup that runs here: needs SA-Gate on RGB and depth",
        ),
        (
            ["--space", "inverseform", "--grid", "tile", "--as-published"],
            "has no setup that runs here: it is no paper's table",
        ),
        (
            ["--space", "semeda", "--grid", "table1", "--as-published", "all"],
            "has one network that is measured so, ImageNet, Cityscapes val; leave out 'all'",
        ),
        (
            [*W18_AND_W48, "--set", "model/network=tiny"],
            "HRNet-w48 is trained exactly as HRNet-w18: --set has decided the network",
        ),
        (
            [*W18_AND_W48, "--init", "x"],
            "--init cannot be given with --as-published all: it is one network's",
        ),
        (
            ["--space", "inverseform", "--grid", "table3"],
            "its baseline 'without' needs maps of edge, normals, saliency, parts, which folder "
            "does not have; --list with --grid shows its figures",
        ),
    ],
)
def test_what_it_cannot_decide_is_refused_in_one_line(
    tmp_path: Path, words: list[str], said: str
) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")) as refused:
        planned(tmp_path, *words)
    assert "\n" not in str(refused.value)


def test_a_network_of_several_tasks_has_its_rows_alone(tmp_path: Path) -> None:
    """PAD-Net cannot segment alone, and the paper has no such row of it."""
    words = ["--space", "inverseform", "--grid", "table1", "--set", "model/weights=none"]
    plan = planned(tmp_path, *words, "--as-published", "PAD-HRNet18, NYUv2")

    names = ["S+D", "S+D+E+N", "S+D+E+N, InverseForm"]
    assert [cell.name for cell in plan.design.cells] == names
    assert plan.grid.baselines == names[:2]
    assert plan.base["model/network"] == "pad_net"
    assert plan.base["data/targets"] == "edge,depth,normals"
