"""The paper's inverse-transformation network is the released one, at the released sizes."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.trainables import golden
from trainables.config import TrialConfig
from trainables.stages.inverse_net import training
from trainables.stages.inverse_net.plain import InverseTransformNet

RELEASED = [
    pytest.param("small", 112, (1000, 32), 2, id="small"),
    pytest.param("full", 224, (1000, 32), 4, id="full", marks=pytest.mark.slow),  # 401 MB
]
WEIGHTS = golden.load("inversenet_formula_weights")


@pytest.mark.parametrize(
    ("tile", "outputs", "parameters"), [(224, 4, 100_385_164), (112, 2, 25_121_098)]
)
def test_it_has_the_parameters_of_the_released_network(
    tile: int, outputs: int, parameters: int
) -> None:
    with torch.device("meta"):
        network = InverseTransformNet(tile, (1000, 32), outputs)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    kinds = [type(layer) for layer in network.layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


def by_formula(rows: int, columns: int, layer: int) -> tuple[Tensor, Tensor]:
    """The formula weights of the fixture, row by row."""
    i = np.arange(columns)
    weight = torch.empty(rows, columns)
    for o in range(rows):
        phase = 0.37 * (o + 1) + 0.0113 * (layer + 1) * i * (1 + 0.01 * o)
        weight[o] = torch.from_numpy(np.sin(phase) / np.sqrt(columns)).float()
    bias = 0.05 * np.cos(0.21 * (layer + 1) * np.arange(rows))
    return weight, torch.from_numpy(bias).float()


@golden.needs_golden
@pytest.mark.parametrize(("name", "tile", "units", "outputs"), RELEASED)
def test_it_computes_what_the_released_network_computes(
    name: str, tile: int, units: tuple[int, ...], outputs: int
) -> None:
    network = InverseTransformNet(tile, units, outputs)
    linear = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for number, layer in enumerate(linear):
            weight, bias = by_formula(layer.out_features, layer.in_features, number)
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        a, b = (torch.from_numpy(WEIGHTS[f"{name}/{side}"]).float() for side in "ab")
        for second, out in ((b, "out_ab"), (a, "out_aa")):
            expected = WEIGHTS[f"{name}/{out}"]
            np.testing.assert_allclose(network(a, second).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_it_is_the_default_and_nothing_is_added_to_it() -> None:
    network = training.build(TrialConfig().changed({"loss/tile": 16}))
    assert type(network) is InverseTransformNet
    widths = [layer.in_features for layer in network.layers if isinstance(layer, nn.Linear)]
    assert widths == [2 * 16 * 16, 1000, 32]
    assert network(torch.rand(3, 16, 16), torch.rand(3, 16, 16)).shape == (3, 6)
