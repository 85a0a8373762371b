"""Parameters and operations against closed forms; heads that only training uses cost nothing."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from trainables.config import TrialConfig, Value, flatten
from trainables.networks.segmentation import Segmenter
from trainables.training.cost import NetworkCost, evaluated_parameters, network_cost


def config(**changes: object) -> dict[str, bool | int | float | str]:
    return flatten(TrialConfig().changed({f"model/{k}": v for k, v in changes.items()}))  # type: ignore[misc]


def convolutions(network: Segmenter, rows: int, columns: int) -> int:
    """2 x outputs x (kernel x inputs), summed over every convolution that an image meets."""
    total = 0

    def count(
        layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> None:
        nonlocal total
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        if isinstance(layer, torch.nn.ConvTranspose2d):
            total += 2 * inputs[0].numel() * weight[0].numel()
        else:
            total += 2 * output.numel() * weight[0].numel()

    layers = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, layers)]
    with torch.no_grad():
        network(torch.rand(1, 3, rows, columns))
    for hook in hooks:
        hook.remove()
    return total


@pytest.mark.parametrize("name", ["tiny", "lraspp"])
def test_operations_are_those_of_the_convolutions(name: str) -> None:
    found = network_cost(config(network=name), 5, (64, 96), "cpu")
    bare = Segmenter(TrialConfig().changed({"model/network": name}).model, 5, False).eval()
    assert found.gflops == pytest.approx(convolutions(bare, 64, 96) / 1e9, rel=1e-3)
    assert found.parameters == sum(p.numel() for p in bare.parameters())
    assert (found.size, found.device, found.peak_megabytes) == ((64, 96), "cpu", None)
    assert found.milliseconds > 0


def test_four_times_the_pixels_cost_four_times_the_operations() -> None:
    small, large = (network_cost(config(), 5, size, "cpu") for size in ((32, 32), (64, 64)))
    assert large.gflops == pytest.approx(4 * small.gflops)
    assert large.parameters == small.parameters


def test_every_scale_mirror_and_window_costs_its_operations() -> None:
    """Of 64x64: scales 0.5 and 1, mirrored, cost 2 (1/4 + 1); windows of 32 every 16 cost 9/4."""
    size = (64, 64)
    plain = network_cost(config(), 5, size, "cpu")

    def cost(**changes: object) -> NetworkCost:
        typed = TrialConfig().changed({f"eval/{k}": v for k, v in changes.items()})  # type: ignore[misc]
        return network_cost(flatten(typed), 5, size, "cpu")

    several = cost(scales="0.5,1", flip=True)
    assert several.gflops == pytest.approx(2.5 * plain.gflops, rel=1e-3)
    assert several.evaluated == "2 scales 0.5..1 and mirrored, whole images"
    windows = cost(window="32", stride="16")
    assert windows.gflops == pytest.approx(9 / 4 * plain.gflops, rel=1e-3)
    assert windows.milliseconds > 0
    validation = cost(val_scales="0.5,1")
    assert validation.gflops == plain.gflops, "what the test does counts, not the validation"


def test_auxiliary_heads_are_not_counted() -> None:
    with torch.device("meta"):
        with_heads, without = (
            Segmenter(
                TrialConfig()
                .changed({"model/network": "pspnet_r101", "model/auxiliary": auxiliary})
                .model,
                5,
                boundary_head,
            )
            for auxiliary, boundary_head in ((True, True), (False, False))
        )
    assert sum(p.numel() for p in with_heads.parameters()) > evaluated_parameters(with_heads)
    assert evaluated_parameters(with_heads) == evaluated_parameters(without)


def test_a_frame_of_a_film_costs_both_encoders_of_its_network() -> None:
    """It is predicted, and remembered for the next one; mirrored, all of it twice."""
    film: dict[str, Value] = {
        "model/network": "stm_small",
        "model/encoder": "mobilenetv3_small_050",
        "data/clip": 3,
    }
    once, twice = (
        network_cost(
            flatten(TrialConfig().changed({**film, "eval/flip": flip})), 2, (64, 64), "cpu"
        )
        for flip in (False, True)
    )
    network = Segmenter(TrialConfig().changed(film).model, 2, False).eval()
    assert once.parameters == sum(weight.numel() for weight in network.parameters())
    assert twice.gflops == pytest.approx(2 * once.gflops)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        memory = network.memorise(torch.rand(1, 3, 64, 64), torch.zeros(1, 64, 64))
        network(torch.rand(1, 3, 64, 64), False, memory)
    assert once.gflops == pytest.approx(counter.get_total_flops() / 1e9)
