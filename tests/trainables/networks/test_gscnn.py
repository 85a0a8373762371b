"""GSCNN: its shape stream, what Canny sees, and the losses of boundaries on it."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainables.config import TrialConfig, Value
from trainables.config.inputs import InputMap
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks
from trainables.networks.batch_norm import make_global
from trainables.networks.catalog import NETWORKS
from trainables.networks.gscnn import GSCNN, Gate
from trainables.networks.segmentation import Segmenter
from trainables.networks.wide_resnet import WideResNet38, checkpoint_filter_fn
from trainables.training.optimization import parameter_groups

SMALL: dict[str, Value] = {"model/network": "gscnn", "model/encoder": "test_efficientnet"}
UNUSED = 65
"""Parameters of a layer of the public code that nothing reads."""


def built(pixels: Pixels = RGB, tasks: NetworkTasks | None = None, **changes: Value) -> Segmenter:
    config = TrialConfig().changed({**SMALL, **{f"model/{k}": v for k, v in changes.items()}})
    torch.manual_seed(0)
    return Segmenter(config.model, 3, boundary_head=True, pixels=pixels, tasks=tasks)


def gscnn(network: Segmenter) -> GSCNN:
    assert isinstance(network.network, GSCNN)
    return network.network


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_the_published_network_has_the_published_parameters() -> None:
    config = TrialConfig().changed({"model/network": "gscnn_wrn38"})
    with torch.device("meta"):
        network = NETWORKS["gscnn_wrn38"](config.model, 19)
    assert count(network) == 137_278_190 - UNUSED
    stream = network.get_submodule("shapes")
    assert count(stream) + UNUSED < 110_000
    maps = network.get_submodule("trunk.backbone")(torch.zeros(1, 3, 64, 64, device="meta"))
    assert [map_.shape[1:] for map_ in maps] == [
        (channels, 64 // stride, 64 // stride)
        for channels, stride in zip(WideResNet38.channels, (1, 2, 4, 8, 8, 8, 8), strict=True)
    ]


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_it_trains_a_step_and_evaluates(variant: str) -> None:
    network, images = built(variant=variant), torch.rand(2, 3, 64, 64)
    make_global(network)
    output = network.train()(images)
    assert network.boundary_head is None
    boundary = output.boundary_logits_BHW
    assert (output.logits_BKHW.shape, boundary.shape) == ((2, 3, 64, 64), (2, 64, 64))
    inside = bool(((boundary > 0) & (boundary < 1)).all())
    assert inside == (variant == "released")  # after the sigmoid, or before it
    (output.logits_BKHW.square().mean() + boundary.square().mean()).backward()
    for path, weight in network.named_parameters():
        assert weight.grad is not None, path
        assert weight.grad.isfinite().all(), path
    with torch.no_grad():
        evaluated = network.eval()(images)
        assert evaluated.boundary_logits_BHW is None
        measured = network(images, with_boundary=True).boundary_logits_BHW
        assert torch.equal(measured, gscnn(network)(images).boundary_Bhw)


def test_the_boundaries_enter_the_segmentation_and_learn_from_it() -> None:
    network, images = built().eval(), torch.rand(1, 3, 64, 64)
    before = network(images).logits_BKHW
    before.sum().backward()
    last = gscnn(network).shapes.last.weight
    assert last.grad is not None
    assert last.grad.any()
    with torch.no_grad():
        last.mul_(-50)
    assert not torch.allclose(network(images).logits_BKHW, before)


def test_a_size_that_is_no_multiple_is_padded_and_cut() -> None:
    output = built().eval()(torch.rand(1, 3, 45, 70), with_boundary=True)
    assert output.boundary_logits_BHW.shape == (1, 45, 70)


def canny_of(network: Segmenter, images: Tensor) -> np.ndarray:
    """What the layer that joins edges and Canny is given."""
    seen: list[Tensor] = []
    layer = gscnn(network).with_canny
    layer.register_forward_pre_hook(lambda _, given: seen.append(given[0][:, 1]))
    with torch.no_grad():
        network.eval()(images)
    return seen[0].numpy()


def image(bands: int = 3) -> np.ndarray:
    """uint8 (64,64,C): rectangles and faint noise."""
    random = np.random.default_rng(3)
    found = random.integers(0, 12, (64, 64, bands), np.uint8)
    found[10:40, 20:50] += np.linspace(60, 140, bands).astype(np.uint8)
    return found


def test_canny_sees_the_colours_of_the_image() -> None:
    colours = image()
    images = torch.from_numpy(colours).permute(2, 0, 1).unsqueeze(0) / 255
    expected = cv2.Canny(colours, 10, 100)
    found = canny_of(built(), images)
    np.testing.assert_array_equal(found[0], expected / 255)
    assert 50 < (expected > 0).sum() < 2000


def test_released_canny_sees_normalised_values_that_wrap() -> None:
    """A ramp has no edge; where its normalised values cross zero, 255 lies beside 0."""
    network = built(variant="released")
    ramp = np.arange(0, 256, 4, dtype=np.uint8)
    colours = np.broadcast_to(ramp[None, :, None], (64, 64, 3)).copy()
    images = torch.from_numpy(colours).permute(2, 0, 1).unsqueeze(0) / 255
    mean, std = (np.array(x) for x in (gscnn(network).trunk.mean, gscnn(network).trunk.std))
    given = np.trunc((colours / 255 - mean) / std).astype(np.int64) % 256
    expected = cv2.Canny(given.astype(np.uint8), 10, 100)
    found = canny_of(network, images)
    np.testing.assert_array_equal(found[0], expected / 255)
    assert expected.any()
    assert not canny_of(built(), images).any()


def test_canny_sees_the_mean_of_other_bands() -> None:
    """Normalised images span 8 bits from 2 standard deviations below the mean to 2 above."""
    bands = image(2)
    pixels = Pixels(2, 8, (0.3, 0.3), (0.2, 0.1), (1.0, 1.0))
    images = torch.from_numpy(bands).permute(2, 0, 1).unsqueeze(0) / 255
    normal = (bands / 255 - 0.3) / np.array([0.2, 0.1])
    given = (normal / 4 + 0.5).mean(axis=2) * 255
    expected = cv2.Canny(given.round().clip(0, 255).astype(np.uint8), 10, 100)
    np.testing.assert_array_equal(canny_of(built(pixels), images)[0], expected / 255)
    assert expected.any()


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_canny_sees_no_map_behind_the_image(variant: str) -> None:
    images = torch.from_numpy(image()).permute(2, 0, 1).unsqueeze(0) / 255
    metres = 9 * torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    network = built(Pixels(4, inputs=(InputMap("depth", (5.0,), (2.0,)),)), variant=variant)
    found = canny_of(network, torch.cat((images, metres), dim=1))
    np.testing.assert_array_equal(found, canny_of(built(variant=variant), images))
    assert found.any()


def test_a_gate_is_the_papers_formula() -> None:
    gate = Gate(4).eval()
    shape, trunk = torch.rand(1, 4, 5, 6), torch.rand(1, 1, 5, 6)
    first, second = (gate.attention[place] for place in (1, 3))
    eps = 1 + 1e-5  # batch norms of variance 1
    both = torch.cat((shape, trunk), dim=1) / eps**0.5
    alpha = (second(first(both).relu()) / eps**0.5).sigmoid()
    torch.testing.assert_close(gate(shape, trunk), gate.weight(shape * alpha + shape))


def test_the_edge_task_is_the_shape_stream() -> None:
    tasks = NetworkTasks((("semseg", 3), ("edge", 1), ("depth", 1)))
    network, images = built(tasks=tasks), torch.rand(2, 3, 64, 64)
    assert set(network.heads) == {"depth"}
    output = network.train()(images)
    assert torch.equal(output.tasks["edge"][:, 0], output.boundary_logits_BHW)
    assert output.tasks["depth"].shape == (2, 1, 64, 64)


@pytest.mark.parametrize("name", ["gscnn", "gscnn_wrn38"])
def test_the_trunk_learns_at_the_backbones_rate(name: str) -> None:
    config = TrialConfig().changed({**SMALL, "model/network": name, "optim/head_lr": 10.0})
    with torch.device("meta"):
        network = Segmenter(config.model, 3, boundary_head=False)
    slow, _ = parameter_groups(config.optim, network)
    backbone = network.get_submodule(
        "network.trunk.backbone" if name == "gscnn_wrn38" else "network.trunk.pyramid.backbone"
    )
    assert {id(weight) for weight in slow["params"]} == {id(x) for x in backbone.parameters()}  # type: ignore[attr-defined]


def test_public_weights_load_by_their_names() -> None:
    with torch.device("meta"):
        body = WideResNet38(TrialConfig().model).body
    public = {
        name.replace("bn1.", "bn1.0.").replace("bn2.", "bn2.0."): weight
        for name, weight in body.state_dict().items()
    }
    assert "mod2.block1.bn1.0.weight" in public
    assert "mod7.block1.convs.conv3.weight" in public
    assert checkpoint_filter_fn(public, body).keys() == body.state_dict().keys()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model/boundary_input": True}, "false with gscnn, which joins its boundaries itself"),
        (
            {"model/network": "tiny", "model/variant": "released"},
            "paper with tiny: only sa_gate_r101, gscnn",
        ),
        ({"data/targets": "edge", "task/tasks": "edge"}, "with semseg with gscnn, got 'edge'"),
        (
            {
                "model/variant": "released",
                "loss/edge_attention": 1.0,
                "loss/edge_attention_on": "probability",
            },
            "loss/edge_attention_on must be logit with model/variant released of gscnn, whose",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, Value], words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        TrialConfig().changed({**SMALL, **changes})
    assert "\n" not in str(raised.value)


def test_imagenet_weights_of_the_wide_trunk_come_from_a_file() -> None:
    config = TrialConfig().changed({"model/network": "gscnn_wrn38", "model/weights": "imagenet"})
    words = "model/weights must be none or a file with gscnn_wrn38, whose weights timm does not"
    with pytest.raises(ValueError, match=words):
        Segmenter(config.model, 19, boundary_head=False)
