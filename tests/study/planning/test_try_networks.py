"""A plug-in's networks: their names, their features, and the one try before a study."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from search_spaces import SPACES
from study.commands.listing import print_list
from study.planning.plugin import install_all
from study.planning.try_networks import try_networks
from tests.study import fake
from tests.study.planning.test_plugin import NET, SMALL
from trainables import plugin
from trainables.config import TrialConfig, Value
from trainables.config.model import ON_ENCODER
from trainables.data import load
from trainables.networks.catalog import NETWORKS

OWN = """
import torch
from torch import nn

class Own(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.body, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, k, 1)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(8))
        self.idle = nn.Conv2d(1, 1, 1)
    def forward(self, images):
        features = self.body(images)
        return {"out": self.last(features + self.pool(features))}

class Fixed(Own):
    def forward(self, images):
        assert images.shape[-1] == 64, "64 px only"
        return super().forward(images)

NETWORKS = {"own": lambda config, k: Own(k), "fixed": lambda config, k: Fixed(k)}
FEATURES = {"own": "body", "fixed": "body"}
"""


@pytest.fixture(autouse=True)
def _uninstalled() -> Iterator[None]:
    yield
    plugin.uninstall()


def tried(folder: Path, changes: Mapping[str, Value], workers: int = 1) -> str:
    config = TrialConfig().changed({**SMALL, **changes})
    plan = fake.plan(folder, base=config, workers=workers)
    return try_networks(plan, SPACES[plan.space], load(config.data))


def test_a_network_of_an_older_plug_in_keeps_its_name() -> None:
    """Edgewise had no ``manet`` when the plug-in was written."""
    built_in = NETWORKS["manet"]
    install_all(plugin.Plugin("mine.py", NET.replace("mine", "manet")))
    config = TrialConfig().changed({"model/network": "manet"}).model
    assert type(NETWORKS["manet"](config, 3)).__name__ == "Tiny"
    plugin.uninstall()
    assert NETWORKS["manet"] is built_in


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ("{'theirs': 'a'}", "FEATURES/theirs must be a network of NETWORKS, got 'theirs'"),
        ("{'mine': 3}", "FEATURES/mine must be the path of a layer, such as decoder.block3, got 3"),
    ],
)
def test_features_are_a_layer_of_a_network_of_the_plug_in(features: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        install_all(plugin.Plugin("mine.py", f"{NET}FEATURES = {features}\n"))


def test_a_network_is_tried_as_the_study_trains_it(tmp_path: Path) -> None:
    install_all(plugin.Plugin("mine.py", OWN))
    line = "own: 2 of its tensors get no gradient (idle.weight, idle.bias)"
    assert tried(tmp_path, {"model/network": "own", "loss/beta": 1.0}) == line
    assert tried(tmp_path, {"model/network": "own"}, workers=2) == line
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        tried(tmp_path, {"model/network": "own", "batch": 1})


def test_a_network_for_another_size_is_one_line(tmp_path: Path) -> None:
    install_all(plugin.Plugin("mine.py", OWN))
    words = (
        "model/network fixed cannot run: tried on two images of 16x16 px and on one, it raised "
        "AssertionError: 64 px only (--with mine.py:"
    )
    with pytest.raises(ValueError, match=re.escape(words)):
        tried(tmp_path, {"model/network": "fixed"})
    sizes: dict[str, Value] = {"data/height": 64, "data/width": 64}
    assert "idle" in tried(tmp_path, {"model/network": "fixed", **sizes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model/network": "dpt"}, "model/encoder must be a plain vision transformer of timm"),
        (
            {"model/network": "pan", "model/encoder": "test_resnet"},
            "at least 128 px a side",
        ),
        ({"model/network": "unet", "model/encoder": "resnet19"}, "such as resnet18"),
        ({"model/features": "classifier"}, "model/features must be '' with tiny"),
    ],
)
def test_edgewise_s_own_networks_are_tried_too(
    tmp_path: Path, changes: dict[str, Value], words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        tried(tmp_path, changes)


def test_what_works_has_no_line(tmp_path: Path) -> None:
    assert tried(tmp_path, {}) == ""
    unet: dict[str, Value] = {"model/network": "unet", "model/encoder": "test_resnet"}
    assert tried(tmp_path, {**unet, "loss/beta": 1.0}) == ""


def test_the_list_says_which_networks_go_on_an_encoder() -> None:
    console = Console(record=True, width=300)
    print_list(console)
    text = console.export_text()
    assert f"--set model/encoder=NAME  for {', '.join(ON_ENCODER)}" in text
    assert "networks  that follow an object through films" in text
    assert "    stm: STM (Oh et al., ICCV 2019) on ResNet-50" in text
