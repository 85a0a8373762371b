"""Every network: one interface, the published size, and heads that cost evaluation nothing."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import segmentation as torchvision_models

from trainables.config import ModelConfig, TrialConfig, get_choices
from trainables.config.model import FOLLOWERS, ON_ENCODER
from trainables.networks.batch_norm import make_global
from trainables.networks.catalog import NETWORKS
from trainables.networks.segmentation import Segmenter
from trainables.networks.sources import FAMILIES

STRIDES = {
    "tiny": 1,
    "unet": 1,
    "fpn": 4,
    "lraspp": 8,
    "deeplabv2_r101": 8,
    "deeplabv3_r50": 8,
    "deeplabv3plus_r101": 4,
    "pspnet_r101": 8,
    "upernet_swin_t": 4,
    "upernet_swin_s": 4,
    "upernet_swin_b": 4,
    "hrnet_w18": 4,
    "hrnet_w18s": 4,
    "hrnet_w48": 4,
    "hrnet_w48_ocr": 4,
    "refinenet_lw_50": 4,
    "refinenet_lw_101": 4,
    "refinenet_lw_152": 4,
    "icnet_r50": 4,
}
"""Of the logits before they are enlarged. DeepLabV3+ decodes at 4; its encoder's stride is 8."""

DEEPLABV3 = torchvision_models.DeepLabV3_ResNet50_Weights.DEFAULT.meta["num_params"]
LRASPP = torchvision_models.LRASPP_MobileNet_V3_Large_Weights.DEFAULT.meta["num_params"]
# Name: (parameters, classes, with auxiliary heads), and below where that is published.
PUBLISHED: dict[str, tuple[float, int, bool]] = {
    "deeplabv3_r50": (DEEPLABV3, 21, True),  # torchvision, with its auxiliary head
    "lraspp": (LRASPP, 21, False),  # torchvision
    "deeplabv3plus_r101": (62.7e6, 19, True),  # SegFormer (NeurIPS 2021), Table 2
    "pspnet_r101": (68.1e6, 19, True),  # SegFormer, Table 2
    "deeplabv2_r101": (44.0e6, 21, False),  # 42.5 M of ResNet-101, four 3x3 classifiers: 1.5 M
    "upernet_swin_t": (60e6, 150, True),  # Swin-Transformer-Semantic-Segmentation, README
    "upernet_swin_s": (81e6, 150, True),
    "upernet_swin_b": (121e6, 150, True),
    "hrnet_w18": (9.6e6, 19, False),  # mmsegmentation's configs/hrnet: 9.64 M
    "hrnet_w18s": (3.9e6, 19, False),  # the same, HRNetV2-W18-Small-v2
    "hrnet_w48": (65.8e6, 19, False),  # HRNet-Semantic-Segmentation, README
    "hrnet_w48_ocr": (70.3e6, 19, False),  # HRNet-Semantic-Segmentation, branch HRNet-OCR
    "refinenet_lw_50": (27e6, 21, False),  # light-weight-refinenet, README
    "refinenet_lw_101": (46e6, 21, False),
    "refinenet_lw_152": (62e6, 21, False),
    "icnet_r50": (26.5e6, 19, False),  # ICNet-ResNet50 in PMC12440891, Table 2
}


def model(name: str, auxiliary: bool = True) -> ModelConfig:
    return TrialConfig().changed({"model/network": name, "model/auxiliary": auxiliary}).model


def built(name: str, classes: int = 5, auxiliary: bool = True) -> Segmenter:
    return Segmenter(model(name, auxiliary), classes, boundary_head=False)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_config_names_every_network() -> None:
    # test_decoders.py and test_dpt.py try those on an encoder, stm/ those that follow an object.
    named = {*STRIDES, *ON_ENCODER, *FOLLOWERS}
    assert set(get_choices(ModelConfig, "network")) == set(NETWORKS) == named


def test_every_network_has_a_source() -> None:
    assert {name for family in FAMILIES.values() for name in family} == set(NETWORKS)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_number_of_parameters_is_the_published_one(name: str) -> None:
    published, classes, auxiliary = PUBLISHED[name]
    with torch.device("meta"):
        network = built(name, classes, auxiliary=auxiliary)
    assert parameters(network) == pytest.approx(published, rel=0.02)


LARGER = {"upernet_swin_b", "upernet_swin_s", "hrnet_w48", "refinenet_lw_101", "refinenet_lw_152"}
"""Of a class that a smaller network here has, too: ``make slow`` trains them."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in LARGER else [])
        for name in sorted(STRIDES)
    ],
)
def test_every_network_trains_a_step_and_evaluates(name: str) -> None:
    """At 64x64 with two images: finite gradients everywhere, then the plain network's output."""
    torch.manual_seed(0)
    network = Segmenter(model(name), 3, boundary_head=True)
    make_global(network)
    images = torch.rand(2, 3, 64, 64)
    output = network.train()(images)
    assert output.logits_BKHW.shape == (2, 3, 64, 64)
    assert output.boundary_logits_BHW is not None
    assert output.boundary_logits_BHW.shape == (2, 64, 64)
    assert len(output.auxiliary_BKHW) == len(network.auxiliary_weights)
    assert all(logits.shape == (2, 3, 64, 64) for logits in output.auxiliary_BKHW)
    loss = output.logits_BKHW.square().mean() + output.boundary_logits_BHW.square().mean()
    (loss + sum(logits.square().mean() for logits in output.auxiliary_BKHW)).backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path

    with torch.no_grad():
        prediction = network.eval()(images)
        assert prediction.boundary_logits_BHW is None
        assert prediction.auxiliary_BKHW == ()
        own = network.network(images)
        stride = 64 // own.logits_BKhw.shape[-1]
        assert stride == STRIDES[name]
        assert own.features_BDhw.shape[1:] == (network.network.out_channels, *(64 // stride,) * 2)


LIGHT = ("tiny", "fpn", "lraspp", "hrnet_w18s", "icnet_r50", "deeplabv3_r50")


@pytest.mark.parametrize("name", LIGHT)
def test_heads_that_only_training_uses_cost_evaluation_nothing(name: str) -> None:
    """Operations and output equal those of a network without these heads."""
    full = Segmenter(model(name), 4, boundary_head=True).eval()
    bare = built(name, 4, auxiliary=False).eval()
    bare.load_state_dict(full.state_dict(), strict=False)
    assert parameters(full) > parameters(bare)
    images = torch.rand(1, 3, 64, 96)
    operations = []
    with torch.no_grad():
        for network in (full, bare):
            with FlopCounterMode(display=False) as counter:
                network(images)
            operations.append(counter.get_total_flops())
        assert operations[0] == operations[1] > 0
        assert torch.equal(full(images).logits_BKHW, bare(images).logits_BKHW)


@pytest.mark.parametrize("name", ["fpn", "icnet_r50", "hrnet_w18s", "upernet_swin_t"])
def test_sides_that_do_not_divide_by_32_are_padded_and_cut(name: str) -> None:
    network = built(name).eval()
    images = torch.rand(1, 3, 45, 70)
    with torch.no_grad():
        logits_BKHW = network(images).logits_BKHW
        assert logits_BKHW.shape == (1, 5, 45, 70)
        padded = torch.nn.functional.pad(images, (0, 26, 0, 19), mode="replicate")
        assert torch.equal(network(padded).logits_BKHW[..., :45, :70], logits_BKHW)
