"""Every decoder of segmentation-models-pytorch, on encoders of several families."""

import re

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from trainables.config import ModelConfig, TrialConfig, Value
from trainables.networks.batch_norm import GlobalBatchNorm2d, make_global
from trainables.networks.decoders import DECODERS
from trainables.networks.encoders import without_chance
from trainables.networks.segmentation import Segmenter

STRIDES = {
    "unet": 1,
    "unetplusplus": 1,
    "fpn": 4,
    "fpn_small": 4,
    "pan": 4,
    "manet": 1,
    "linknet": 1,
    "deeplabv3": 8,
    "deeplabv3plus": 4,
    "pspnet": 8,
    "segformer": 4,
    "upernet": 4,
}
DILATED = {"pan", "deeplabv3", "deeplabv3plus"}
FAMILIES = {
    "test_resnet": set(DECODERS),
    "test_efficientnet": set(DECODERS),
    "mobilenetv3_small_050": set(DECODERS),
    "test_convnext": set(DECODERS),
    "pvt_v2_b0": set(DECODERS) - DILATED,
    "swin_tiny_patch4_window7_224": {"unet", "upernet"},
}
"""timm's smallest of each family, and the decoders that they go with."""
LATER = {"mobilenetv3_small_050", "pvt_v2_b0"}
"""Families whose pairs ``make slow`` compares: they are large, and like others here."""
PAIRS = [
    pytest.param(decoder, encoder, marks=[pytest.mark.slow] if encoder in LATER else [])
    for encoder, goes in FAMILIES.items()
    for decoder in sorted(goes)
]


def built(decoder: str, encoder: str, classes: int = 3, head: bool = False) -> Segmenter:
    return Segmenter(ModelConfig(network=decoder, encoder=encoder), classes, head)  # type: ignore[arg-type]


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def side_of(decoder: str) -> int:
    return max(DECODERS[decoder].smallest, 32)


@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_a_step_reaches_every_parameter_and_evaluation_is_plain(decoder: str) -> None:
    torch.manual_seed(0)
    network = built(decoder, "test_resnet", head=True)
    make_global(network)
    assert any(isinstance(part, GlobalBatchNorm2d) for part in network.modules())
    side = side_of(decoder)
    images = torch.rand(2, 3, side, side)
    output = network.train()(images)
    assert output.logits_BKHW.shape == (2, 3, side, side)
    assert output.boundary_logits_BHW is not None
    assert output.boundary_logits_BHW.shape == (2, side, side)
    (output.logits_BKHW.square().mean() + output.boundary_logits_BHW.square().mean()).backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
    with torch.no_grad():
        inner = network.eval().network(images[:1])
        assert side // inner.logits_BKhw.shape[-1] == STRIDES[decoder]
        assert inner.features_BDhw.shape[1] == network.network.out_channels


@pytest.mark.parametrize(("decoder", "encoder"), PAIRS)
def test_the_parameters_are_those_of_the_library(decoder: str, encoder: str) -> None:
    """Also that the two go together: the network runs, on a device without memory."""
    row, name = DECODERS[decoder], f"tu-{encoder}"
    with torch.device("meta"):
        network = built(decoder, encoder, classes=7)
        theirs = getattr(smp, row.smp)(name, encoder_weights=None, classes=7, **row.options)
        ours = {path: value.shape for path, value in network.network.state_dict().items()}
        side = side_of(decoder)
        assert network.eval()(torch.rand(1, 3, side, side)).logits_BKHW.shape[1:] == (7, side, side)
    expected = {path: value.shape for path, value in theirs.state_dict().items()}
    for name in ("weight", "bias"):
        expected[f"classifier.{name}"] = expected.pop(f"segmentation_head.0.{name}")
    if decoder == "unet":  # 1x1, as it always was here
        expected["classifier.weight"] = torch.Size((7, 16, 1, 1))
    assert ours == expected


def test_segformer_s_own_encoder_draws_no_random_number() -> None:
    """Stochastic depth and dropout would differ with the number of ranks."""
    network = built("segformer", "mit_b0").train()
    theirs = smp.Segformer("mit_b0", encoder_weights=None, classes=3)
    assert parameters(network) == parameters(theirs)
    images, outputs = torch.rand(2, 3, 32, 32), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        outputs.append(network(images).logits_BKHW)
    assert torch.equal(*outputs)


def test_every_kind_of_chance_is_turned_off() -> None:
    from timm.layers import DropPath, PatchDropout

    network = nn.Sequential(nn.Dropout(0.9), nn.Dropout2d(0.9), DropPath(0.9))
    tokens: Tensor = torch.ones(4, 8, 8, 1)
    assert not torch.equal(network(tokens), tokens)
    without_chance(network.append(PatchDropout(0.5)))
    assert torch.equal(network(tokens), tokens)


def test_the_classifier_drops_by_image_and_reads_the_boundary() -> None:
    changes: dict[str, Value] = {"model/network": "upernet", "model/encoder": "test_resnet"}
    also: dict[str, Value] = {"model/dropout": 0.5, "model/boundary_input": True}
    config = TrialConfig().changed({**changes, **also}).model
    network = Segmenter(config, 3, boundary_head=True).train()
    images, outputs = torch.rand(2, 3, 32, 32), []
    for seed in (0, 0, 1):
        network.dropout.draw(seed, 1, [0, 1])
        outputs.append(network(images).logits_BKHW)
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    classifier = network.network.get_submodule("classifier")
    assert isinstance(classifier, nn.Conv2d)
    assert classifier.in_channels == network.network.out_channels + 1


@pytest.mark.parametrize(
    ("decoder", "encoder", "words"),
    [
        ("unet", "resnet81", "model/encoder must be an encoder of timm such as resnet18"),
        ("unet", "tu-resnet18", "such as resnet18"),
        ("fpn", "convnext_tiy", "such as convnext_tiny"),
        ("fpn", "mit_b9", "such as mit_b"),
        ("fpn", "efficientnet-b0", "such as efficientnet_b0"),
        ("unet", "zzz", "must be an encoder of timm"),
        ("unet", "vit_tiny_patch16_224", "with features at strides 2 or 4 to 32 (such as resnet34"),
        ("pan", "pvt_v2_b0", "one that can be dilated (a ResNet, RegNet, EfficientNet"),
        ("deeplabv3", "vgg11", "one that can be dilated"),
        ("linknet", "mit_b0", "linknet cannot be built on model/encoder 'mit_b0': ValueError: Enc"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(
    decoder: str, encoder: str, words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused, torch.device("meta"):
        built(decoder, encoder)
    assert "\n" not in str(refused.value)
    assert repr(encoder) in str(refused.value)


def test_a_network_for_larger_images_says_so() -> None:
    words = "model/network pan must be given images of at least 128 px a side, got 64"
    with pytest.raises(ValueError, match=re.escape(words)):
        built("pan", "test_resnet").eval()(torch.rand(1, 3, 64, 64))
