"""SA-Gates: the authors' gate, their number of parameters, and a network that trains."""

import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.config import ModelConfig, TrialConfig
from trainables.config.inputs import InputMap
from trainables.config.pixels import Pixels
from trainables.networks.batch_norm import make_global
from trainables.networks.sa_gate import SAGate, SAGateResNet
from trainables.networks.segmentation import Segmenter

GOLDEN = golden.load("blocks")
OURS = {
    "fsp_rgb.filter.fc": "separate_image.weigh",
    "fsp_hha.filter.fc": "separate_map.weigh",
    "gate_rgb": "weigh_image",
    "gate_hha": "weigh_map",
}
DEPTH = Pixels(4, inputs=(InputMap("depth", (2.8,), (1.3,)),))
NORMALS = Pixels(7, inputs=(*DEPTH.inputs, InputMap("normals", (0.0,) * 3, (1.0,) * 3)))


def model(name: str = "sa_gate", encoder: str = "resnet18", variant: str = "paper") -> ModelConfig:
    changes = {"network": name, "encoder": encoder, "variant": variant}
    return TrialConfig().changed({f"model/{path}": value for path, value in changes.items()}).model


def _own(name: str) -> str:
    theirs = next(start for start in OURS if name.startswith(start))
    return OURS[theirs] + name[len(theirs) :]


@golden.needs_golden
@pytest.mark.parametrize("case", [x for x in ("sagate16", "sagate32") if f"{x}/x/rgb" in GOLDEN])
def test_a_gate_is_that_of_the_public_code(case: str) -> None:
    of = {
        key[len(case) + 1 :]: torch.from_numpy(GOLDEN[key])
        for key in GOLDEN
        if key.startswith(case)
    }
    gate = SAGate(of["x/rgb"].shape[1]).double()
    weights = {_own(key[2:]): value.double() for key, value in of.items() if key.startswith("w/")}
    gate.load_state_dict(weights)
    image, map_, merged = gate(of["x/rgb"], of["x/hha"])
    assert torch.allclose(image, of["y/rgb"], rtol=1e-6, atol=1e-9)
    assert torch.allclose(map_, of["y/hha"], rtol=1e-6, atol=1e-9)
    assert torch.allclose(merged, of["y/merge"], rtol=1e-6, atol=1e-9)
    separated = gate.separate_image(of["x/rgb"], of["x/hha"])
    assert torch.allclose(separated, of["y/rec_rgb"], rtol=1e-6, atol=1e-9)
    separated = gate.separate_map(of["x/hha"], of["x/rgb"])
    assert torch.allclose(separated, of["y/rec_hha"], rtol=1e-6, atol=1e-9)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_number_of_parameters_is_that_of_the_public_code() -> None:
    """Which shares four projections of 2,792,960 weights between its branches."""
    configs = [model("sa_gate_r101", variant=variant) for variant in ("paper", "released")]
    with torch.device("meta"):
        ours, released = (Segmenter(config, 40, False, DEPTH) for config in configs)
    assert parameters(released) == 110_875_160
    assert parameters(ours) == 110_875_160 + 2_792_960
    for segmenter, shares in ((ours, False), (released, True)):
        net = segmenter.network
        assert isinstance(net, SAGateResNet)
        branches = net.of_image, net.of_maps
        first, second = (one.get_submodule("body.layer3.0.downsample") for one in branches)
        assert (first is second) == shares
        blocks = net.of_image.get_submodule("body.layer4")
        convolutions = [blocks.get_submodule(f"{number}.conv2") for number in range(3)]
        assert [x.dilation for x in convolutions] == [(2, 2), (4, 4), (8, 8)]


@pytest.mark.parametrize(
    ("name", "encoder", "pixels"),
    [
        ("sa_gate", "resnet18", DEPTH),
        ("sa_gate", "tf_efficientnet_lite0", NORMALS),
        ("sa_gate", "mobilenetv3_large_100", Pixels(6, 8, (0.5,) * 6, (0.25,) * 6, (1.0,) * 6)),
        pytest.param("sa_gate_r101", "", DEPTH, marks=pytest.mark.slow),
    ],
)
def test_it_trains_a_step_and_evaluates(name: str, encoder: str, pixels: Pixels) -> None:
    torch.manual_seed(0)
    network = Segmenter(model(name, encoder or "resnet18"), 3, True, pixels)
    make_global(network)
    images = torch.rand(2, pixels.bands, 64, 64)
    output = network.train()(images)
    assert output.logits_BKHW.shape == (2, 3, 64, 64)
    assert [x.shape for x in output.auxiliary_BKHW] == [(2, 3, 64, 64)]
    assert network.auxiliary_weights == (0.2,)
    assert output.boundary_logits_BHW is not None
    loss = output.logits_BKHW.square().mean() + output.boundary_logits_BHW.square().mean()
    (loss + output.auxiliary_BKHW[0].square().mean()).backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
    with torch.no_grad():
        assert network.eval()(images).logits_BKHW.shape == (2, 3, 64, 64)


def test_both_inputs_decide() -> None:
    torch.manual_seed(0)
    network = Segmenter(model(encoder="tf_efficientnet_lite0"), 3, False, DEPTH).eval()
    images = 0.1 + torch.rand(1, 4, 32, 32)

    def logits(changed: slice) -> Tensor:
        given = images.clone()
        given[:, changed] = images[:, changed].flip(-1)
        with torch.no_grad():
            return network(given).logits_BKHW

    same = logits(slice(0, 0))
    assert not torch.allclose(same, logits(slice(0, 3)))
    assert not torch.allclose(same, logits(slice(3, 4)))


@pytest.mark.parametrize(
    ("encoder", "pixels", "line"),
    [
        ("resnet18", Pixels(), "data/inputs must be depth, normals or both with sa_gate"),
        ("hrnet_w18", DEPTH, "one of timm whose four stages run one after the other, such as"),
        ("vit_tiny_patch16_224", DEPTH, "one of timm whose four stages run one after the other"),
        ("mit_b0", DEPTH, "model/encoder must be one of timm with sa_gate, got 'mit_b0'"),
    ],
)
def test_what_cannot_be_built_is_one_line(encoder: str, pixels: Pixels, line: str) -> None:
    with pytest.raises(ValueError, match=line), torch.device("meta"):
        Segmenter(model(encoder=encoder), 3, False, pixels)
