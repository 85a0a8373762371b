"""DPT on vision transformers: patches of 16 and 14, registers, DINOv2's and DINOv3's files."""

import re
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import save_file
from timm.models import register_model
from timm.models.eva import vit_small_patch16_dinov3
from timm.models.vision_transformer import (
    vit_medium_patch16_reg4_gap_256,
    vit_small_patch14_dinov2,
    vit_small_patch14_reg4_dinov2,
    vit_tiny_patch16_224,
)
from torch import nn

from trainables.config import ModelConfig
from trainables.networks.segmentation import Segmenter

_TINY = {"embed_dim": 48, "depth": 4, "num_heads": 2}


@register_model
def few_vit(pretrained: bool = False, **options: object) -> nn.Module:
    return vit_tiny_patch16_224(pretrained, **{**_TINY, **options})


@register_model
def few_gap(pretrained: bool = False, **options: object) -> nn.Module:
    """Registers, no class token."""
    return vit_medium_patch16_reg4_gap_256(pretrained, **{**_TINY, **options})


@register_model
def few_dinov2(pretrained: bool = False, **options: object) -> nn.Module:
    return vit_small_patch14_dinov2(pretrained, **{**_TINY, **options})


@register_model
def few_dinov2_reg4(pretrained: bool = False, **options: object) -> nn.Module:
    return vit_small_patch14_reg4_dinov2(pretrained, **{**_TINY, **options})


@register_model
def few_dinov3(pretrained: bool = False, **options: object) -> nn.Module:
    return vit_small_patch16_dinov3(pretrained, **{**_TINY, **options})


MULTIPLES = {
    "few_vit": 32,
    "few_gap": 32,
    "few_dinov2": 28,
    "few_dinov2_reg4": 28,
    "few_dinov3": 32,
}
UNREAD = re.compile(r"network\.encoder\.model\.(norm|fc_norm|head)\.")
"""The end of the transformer, which only its own classifier uses."""


def built(encoder: str, weights: str = "none", classes: int = 3) -> Segmenter:
    return Segmenter(ModelConfig(network="dpt", encoder=encoder, weights=weights), classes, True)


@pytest.mark.parametrize("encoder", sorted(MULTIPLES))
def test_images_may_have_any_size(encoder: str) -> None:
    with torch.device("meta"):
        network = built(encoder)
        assert network.multiple == MULTIPLES[encoder]
        assert network(torch.rand(2, 3, 30, 50)).logits_BKHW.shape == (2, 3, 30, 50)


@pytest.mark.parametrize("encoder", ["few_dinov2_reg4", "few_dinov3"])
def test_a_step_reaches_what_is_read_and_draws_no_random_number(encoder: str) -> None:
    torch.manual_seed(0)
    network, images = built(encoder).train(), torch.rand(2, 3, 20, 28)
    output = network(images)
    assert output.boundary_logits_BHW is not None
    (output.logits_BKHW.square().mean() + output.boundary_logits_BHW.square().mean()).backward()
    without = [path for path, weight in network.named_parameters() if weight.grad is None]
    assert all(UNREAD.match(path) for path in without), without
    torch.manual_seed(1)
    assert torch.equal(network(images).logits_BKHW, output.logits_BKHW)


@pytest.mark.parametrize(
    "encoder", ["vit_tiny_patch16_224", "vit_base_patch32_224", "vit_small_patch16_dinov3"]
)
def test_the_parameters_are_those_of_the_library(encoder: str) -> None:
    with torch.device("meta"):
        ours = built(encoder, classes=7).network.state_dict()
        theirs = smp.DPT(f"tu-{encoder}", encoder_weights=None, classes=7, dynamic_img_size=True)
    shapes = sorted(tuple(value.shape) for value in ours.values())
    assert shapes == sorted(tuple(value.shape) for value in theirs.state_dict().values())


@pytest.mark.parametrize("encoder", ["few_dinov2", "few_dinov2_reg4"])
def test_patches_of_14_are_enlarged_as_those_of_16(encoder: str) -> None:
    """By 4, 2, 1 and 1/2, so that the levels meet; eight features for each patch."""
    network = built(encoder).eval()
    with torch.no_grad():
        features = network.network(torch.rand(1, 3, 56, 28)).features_BDhw
    assert features.shape == (1, 256, 4 * 8, 2 * 8)


def saved(model: nn.Module, path: Path) -> Path:
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return path


def test_a_file_of_timm_is_loaded_and_a_limiting_licence_named(tmp_path: Path) -> None:
    torch.manual_seed(5)
    source = timm.create_model("few_dinov3")
    found = built("few_dinov3", str(saved(source, tmp_path / "w.safetensors")))
    assert "0 kept their initial values, 0 in the file unused" in found.transfer
    assert found.transfer.endswith("; licence of the published weights: DINOv3 License")
    loaded = found.network.get_submodule("encoder.model").state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in source.state_dict().items())
    assert "icence" not in built("few_dinov3").transfer


def test_dinov2_s_own_file_is_converted(tmp_path: Path) -> None:
    """Its names of registers, its mask token, and positions with one for the class token."""
    torch.manual_seed(5)
    source = timm.create_model("few_dinov2_reg4")
    state = {name: value.clone() for name, value in source.state_dict().items()}
    state["register_tokens"] = state.pop("reg_token")
    state["mask_token"] = torch.zeros(1, 48)
    state["pos_embed"] = torch.cat((torch.zeros(1, 1, 48), state["pos_embed"]), dim=1)
    torch.save(state, tmp_path / "w.pth")
    found = built("few_dinov2_reg4", str(tmp_path / "w.pth"))
    assert "0 kept their initial values" in found.transfer
    assert "icence" not in found.transfer  # Apache 2.0
    loaded = found.network.get_submodule("encoder.model").state_dict()
    assert torch.equal(loaded["reg_token"], state["register_tokens"])


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        ("tf_efficientnet_lite0", "must be a plain vision transformer of timm, such as vit_small"),
        ("swin_tiny_patch4_window7_224", "must be a plain vision transformer of timm"),
        ("mit_b0", "must be a plain vision transformer of timm"),
        ("beit_base_patch16_224", "must be a vision transformer that takes images of any size"),
        ("vit_tny_patch16", "must be an encoder of timm such as vit_tiny_patch16"),
    ],
)
def test_other_encoders_are_refused_in_one_line(encoder: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"model/encoder {words}")) as refused:
        built(encoder)
    assert "\n" not in str(refused.value)
