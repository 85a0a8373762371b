"""Features of a foreign module for a boundary head, by the name of a layer."""

import copy
import re

import pytest
import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.networks.batch_norm import make_global
from trainables.networks.catalog import NETWORKS
from trainables.networks.segmentation import Segmenter


class Foreign(nn.Module):
    """Ten features at stride 2, tokens beside them, and a layer that never runs."""

    def __init__(self, smallest: int = 1) -> None:
        super().__init__()
        self.smallest = smallest
        self.body = nn.Sequential(nn.Conv2d(3, 10, 3, 2, 1), nn.BatchNorm2d(10), nn.ReLU())
        self.tokens = nn.Flatten(2)
        self.idle = nn.Conv2d(3, 3, 1)
        self.last = nn.Conv2d(10, 4, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        if images.shape[-1] < self.smallest:
            raise RuntimeError("too small")
        features = self.body(images)
        self.tokens(features)
        return {"out": self.last(features)}


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "foreign", lambda config, k: Foreign())
    monkeypatch.setitem(NETWORKS, "large", lambda config, k: Foreign(200))
    monkeypatch.setattr(PLUGIN, "networks", ["foreign", "large"])


def built(name: str = "foreign", layer: str = "body", head: bool = True) -> Segmenter:
    return Segmenter(ModelConfig(network=name, features=layer), 4, head)  # type: ignore[arg-type]


IMAGES = torch.rand(2, 3, 64, 32)


@pytest.mark.parametrize("name", ["foreign", "large"])
def test_a_layer_s_output_is_what_the_head_reads(foreign: None, name: str) -> None:
    """``large`` takes images of 200 px or more: D is found with larger ones."""
    network = built(name).train()
    images = IMAGES if name == "foreign" else torch.rand(2, 3, 224, 224)
    assert network.network.out_channels == 10
    output = network(images)
    module = network.network.get_submodule("module")
    assert isinstance(module, Foreign)
    features = module.body(images)
    assert network.boundary_head is not None
    expected = network.boundary_head(features)
    shown = nn.functional.interpolate(
        expected[:, None], images.shape[-2:], mode="bilinear", align_corners=False
    )
    assert output.boundary_logits_BHW is not None
    assert torch.allclose(output.boundary_logits_BHW, shown[:, 0], atol=1e-6)
    output.boundary_logits_BHW.sum().backward()
    (weight, *_) = module.body.parameters()
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_finding_d_leaves_the_network_as_it_was(foreign: None) -> None:
    torch.manual_seed(0)
    plain = built(layer="", head=False)
    after = torch.rand(3)
    torch.manual_seed(0)
    read = built(head=False)
    assert torch.equal(torch.rand(3), after)
    for (name, one), two in zip(
        plain.state_dict().items(), read.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two), name
    assert all(part.training for part in read.modules())


def test_a_copy_reads_its_own_layer(foreign: None) -> None:
    """The moving average of the weights is a copy."""
    network = built().eval()
    network(IMAGES)
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for weight in twin.network.parameters():
            weight.mul_(2)
        one, two = (
            each(IMAGES, with_boundary=True).boundary_logits_BHW for each in (network, twin)
        )
    assert not torch.equal(one, two)


def test_a_layer_that_is_exchanged_is_read(foreign: None) -> None:
    """Training exchanges every batch norm for one over all ranks."""
    network = built(layer="body.1").train()
    make_global(network)
    output = network(IMAGES)
    assert output.boundary_logits_BHW is not None


def test_the_plug_in_names_the_layer_and_the_config_another(
    foreign: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PLUGIN, "features", {"foreign": "last"})
    assert built(layer="").network.out_channels == 4
    assert built(layer="body.0").network.out_channels == 10


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("bdy", "model/features must be a layer of foreign, such as body"),
        ("tokens", "whose output is float (B,D,h,w), which tokens is not, got (1, 10, 1024)"),
        ("idle", "which idle is not, got 'NoneType'"),
    ],
)
def test_a_layer_without_features_is_refused(foreign: None, layer: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        built(layer=layer)
    assert "\n" not in str(refused.value)


def test_a_network_with_features_of_its_own_takes_no_layer() -> None:
    with pytest.raises(ValueError, match="model/features must be '' with tiny"):
        built("tiny", "classifier")
