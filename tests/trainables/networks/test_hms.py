"""Hierarchical multi-scale attention: its combination, sizes and scales."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.trainables import golden
from trainables.config import ModelConfig, TrialConfig
from trainables.networks.batch_norm import make_global
from trainables.networks.hms import ScaleAttention, combined
from trainables.networks.segmentation import Segmenter

SMALL = "mobilenetv3_small_050"


def model(name: str = "hms", **fields: str | bool) -> ModelConfig:
    given = {f"model/{field}": value for field, value in fields.items()}
    return TrialConfig().changed({"model/encoder": SMALL, **given, "model/network": name}).model


def built(config: ModelConfig, boundary_head: bool = False) -> Segmenter:
    torch.manual_seed(0)
    return Segmenter(config, 3, boundary_head)


def enlarged(maps: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(maps, like.shape[-2:], mode="bilinear", align_corners=False)


@golden.needs_golden
def test_the_combination_is_the_released_one() -> None:
    """Exactly: of three and five scales, of the two of training, and their losses."""
    arrays = golden.load("hms_combine")
    cases = golden.keys_of(arrays, "/nscale_pred")
    assert len(cases) > 1
    for case in cases:
        scales = [float(scale) for scale in arrays[f"{case}/scales"]]
        logits, heads, attention = (
            {s: torch.from_numpy(arrays[f"{case}/in/scale{s:g}/{name}"]) for s in scales}
            for name in ("cls_out", "aux_out", "logit_attn")
        )
        labels = golden.labels(arrays[f"{case}/gts"])

        def error(maps: Tensor, labels: Tensor = labels) -> Tensor:
            return F.cross_entropy(maps, labels, ignore_index=255)

        both = (0.5, 1.0)
        two, two_heads = ({s: maps[s] for s in both} for maps in (logits, heads))
        joint, of_two = combined(logits, attention), combined(two, attention)
        np.testing.assert_array_equal(joint.numpy(), arrays[f"{case}/nscale_pred"])
        np.testing.assert_array_equal(of_two.numpy(), arrays[f"{case}/two_scale_pred"])
        loss = error(joint) + 0.4 * error(combined(heads, attention))
        assert loss.item() == pytest.approx(float(arrays[f"{case}/nscale_loss_ce"]), rel=1e-7)
        each = error(enlarged(two[0.5], two[1.0])) + error(two[1.0])
        loss = error(of_two) + 0.4 * error(combined(two_heads, attention)) + 0.05 * each
        assert loss.item() == pytest.approx(float(arrays[f"{case}/two_scale_loss_ce"]), rel=1e-7)


def test_attention_of_equal_logits_is_the_mean_of_two_scales() -> None:
    network = built(model(test_attention_scales="0.5,1")).eval()
    attention = network.network.attention
    assert isinstance(attention, ScaleAttention)
    torch.nn.init.zeros_(attention[2].weight)  # type: ignore[arg-type]
    plain = Segmenter(model("fpn"), 3, False).eval()
    found = plain.load_state_dict(network.state_dict(), strict=False)
    assert found.missing_keys == []
    assert {name.split(".")[1] for name in found.unexpected_keys} == {"attention"}
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        whole, half = plain(images).logits_BKHW, plain(enlarged(images, images[..., :32, :48]))
        mean = (whole + enlarged(half.logits_BKHW, whole)) / 2
        torch.testing.assert_close(network(images).logits_BKHW, mean, rtol=1e-5, atol=1e-5)


def test_a_boundary_head_reads_the_features_of_scale_one() -> None:
    network = built(model(), boundary_head=True).eval()
    plain = Segmenter(model("fpn"), 3, True).eval()
    plain.load_state_dict(network.state_dict(), strict=False)
    images = torch.rand(1, 3, 45, 70)
    with torch.no_grad():
        mine, theirs = (each(images, with_boundary=True) for each in (network, plain))
    assert torch.equal(mine.boundary_logits_BHW, theirs.boundary_logits_BHW)
    assert not torch.allclose(mine.logits_BKHW, theirs.logits_BKHW)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("hms", (0.05, 0.05)),
        pytest.param("hms_hrnet_w48_ocr", (0.4, 0.05, 0.05), marks=pytest.mark.slow),
    ],
)
def test_it_trains_a_step_and_evaluates(name: str, weights: tuple[float, ...]) -> None:
    network = make_global(built(model(name), boundary_head=True))
    images = torch.rand(2, 3, 64, 64)
    output = network.train()(images)
    assert network.auxiliary_weights == weights
    assert [logits.shape for logits in output.auxiliary_BKHW] == [(2, 3, 64, 64)] * len(weights)
    maps = (output.logits_BKHW, output.boundary_logits_BHW, *output.auxiliary_BKHW)
    torch.stack([map_.square().mean() for map_ in maps]).sum().backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
    with torch.no_grad():
        found = network.eval()(images[:1, :, :45, :61])
    assert found.logits_BKHW.shape == (1, 3, 45, 61)
    assert found.auxiliary_BKHW == ()


def test_without_auxiliary_losses_only_the_joint_logits_are_trained() -> None:
    network = built(model(auxiliary=False)).train()
    assert network.auxiliary_weights == network(torch.rand(2, 3, 64, 64)).auxiliary_BKHW == ()


def test_every_scale_of_a_longer_list_is_trained() -> None:
    network = built(model(attention_scales="0.25,0.5,1,1.5")).train()
    output = network(torch.rand(2, 3, 64, 64))
    assert network.auxiliary_weights == (0.05,) * 4
    assert [logits.shape[-1] for logits in output.auxiliary_BKHW] == [64] * 4


def test_the_number_of_parameters_is_the_published_one() -> None:
    """72,143,430, of which 1,770,752 are the attention's (the released code at 19 classes)."""
    with torch.device("meta"):
        network = Segmenter(model("hms_hrnet_w48_ocr"), 19, False)
    attention = network.network.attention
    assert isinstance(attention, ScaleAttention)
    assert sum(parameter.numel() for parameter in attention.parameters()) == 1_770_752
    # Before two batch norms the released code has 512 + 720 biases, which these cancel.
    assert sum(parameter.numel() for parameter in network.parameters()) == 72_143_430 - 1_232


@pytest.mark.parametrize(
    ("field", "scales", "message"),
    [
        ("attention_scales", "0.5,2", "a list with 1 and 1 or more further scales"),
        ("attention_scales", "1", "a list with 1 and 1 or more further scales"),
        ("test_attention_scales", "0.5,2", "a list with 1 and 0 or more further scales"),
        ("test_attention_scales", "0.5,1,1", "one or more different numbers in 0.1 .. 4"),
        ("test_attention_scales", "", "one or more different numbers in 0.1 .. 4"),
    ],
)
def test_a_list_of_scales_that_cannot_be_combined_is_refused(
    field: str, scales: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        model(**{field: scales})
    assert str(refused.value).startswith(f"model/{field} must be ")


def test_what_its_scales_do_not_allow_is_refused() -> None:
    with pytest.raises(ValueError, match="whose classes come from several places or scales"):
        model(boundary_input=True)
