"""Networks for images with other than three bands."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from trainables.config import ModelConfig, TrialConfig
from trainables.config.pixels import RGB, Pixels
from trainables.networks.catalog import NETWORKS
from trainables.networks.first_layer import built, require_bands, transfer_of
from trainables.networks.network import Backbone
from trainables.networks.segmentation import Segmenter
from trainables.networks.standardise import pixels_of, without_images
from trainables.networks.weights import RANDOM, adapted, load_backbone

SEVEN = Pixels(7, 16, (0.1,) * 7, (0.5, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0), (1.0,) * 7)


def segmenter(pixels: Pixels, network: str = "tiny", **model: object) -> Segmenter:
    torch.manual_seed(0)
    config = ModelConfig(network=network, **model)  # type: ignore[arg-type]
    return Segmenter(config, 3, boundary_head=False, pixels=pixels).eval()


@pytest.mark.parametrize("name", ["tiny", "unet", "fpn", "lraspp", "refinenet_lw_50", "icnet_r50"])
@pytest.mark.parametrize("bands", [1, 7])
def test_every_network_takes_any_number_of_bands(name: str, bands: int) -> None:
    network = segmenter(Pixels(bands, 16, (0.0,) * bands, (1.0,) * bands, (1.0,) * bands), name)
    with torch.no_grad():
        logits = network(torch.rand(2, bands, 64, 64)).logits_BKHW
    assert logits.shape == (2, 3, 64, 64)
    assert f"first layer adapted from 3 to {bands} bands: random weights" in network.transfer


def test_every_built_in_network_receives_the_pixels() -> None:
    """The large ones are not built here, but all take the argument that the small ones use."""

    for name, build in NETWORKS.items():
        assert "pixels" in inspect.signature(build).parameters, name


def test_photographs_have_the_same_weights_by_the_same_names_as_before() -> None:
    plain = segmenter(RGB)
    assert plain.standardise is None
    assert not any("extra_state" in name for name in plain.state_dict())
    assert "adapted" not in plain.transfer


def test_images_are_normalised_band_by_band_before_the_network() -> None:
    network = segmenter(SEVEN)
    bare = segmenter(Pixels(7, 16, (0.0,) * 7, (1.0,) * 7, SEVEN.span))
    images = torch.rand(1, 7, 8, 8)
    mean, std = (torch.tensor(x).view(-1, 1, 1) for x in (SEVEN.mean, SEVEN.std))
    with torch.no_grad():
        expected = bare((images - mean) / std).logits_BKHW
        torch.testing.assert_close(network(images).logits_BKHW, expected)


def test_the_weights_tell_what_the_network_was_trained_on() -> None:
    state = segmenter(SEVEN).state_dict()
    assert pixels_of(state) == SEVEN
    assert pixels_of(segmenter(RGB).state_dict()) == RGB
    own = Pixels(3, 16, span=(0.5, 0.5, 0.25))
    assert pixels_of(segmenter(own).state_dict()) == own
    other = segmenter(Pixels(7, 16, (0.2,) * 7, SEVEN.std, SEVEN.span))
    with pytest.raises(ValueError, match="normalises its images otherwise"):
        other.load_state_dict(state)
    assert set(without_images(state)) == set(state) - {"standardise._extra_state"}


@pytest.mark.parametrize("bands", [1, 2, 4, 7])
def test_weights_from_a_file_are_adapted_as_timm_adapts_them(bands: int) -> None:
    """By its rule: repeated and scaled by 3/C; of one band, summed."""
    source = timm.create_model("mobilenetv3_small_050", features_only=True)
    target = timm.create_model("mobilenetv3_small_050", features_only=True, in_chans=bands)
    old, like = source.conv_stem.weight, target.conv_stem.weight
    found = adapted(old.detach(), like).numpy()
    weights = old.detach().numpy()
    expected = (
        weights.sum(axis=1, keepdims=True)
        if bands == 1
        else np.concatenate([weights] * 3, axis=1)[:, :bands] * (3 / bands)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_file_of_three_bands_fits_a_backbone_of_seven(tmp_path: Path) -> None:
    source = Backbone(ModelConfig(), "mobilenetv3_small_050")
    torch.save(source.body.state_dict(), tmp_path / "weights.pt")
    config = ModelConfig(weights=str(tmp_path / "weights.pt"))
    target = Backbone(config, "mobilenetv3_small_050", SEVEN)
    assert "0 kept their initial values" in target.transfer
    old, new = (net.body.state_dict()["conv_stem.weight"] for net in (source, target))
    torch.testing.assert_close(new, old.repeat(1, 3, 1, 1)[:, :7] * 3 / 7)
    assert load_backbone(source.body, tmp_path / "weights.pt") == target.transfer
    assert (target.mean, target.std) == ((0.0,) * 7, (1.0,) * 7)


class _Plain(nn.Module):
    def __init__(self, bands: int = 3) -> None:
        super().__init__()
        self.layer = nn.Conv2d(bands, 3, 1)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        logits: Tensor = self.layer(images_BCHW)
        return logits


def test_a_users_network_receives_the_bands_or_is_refused_in_one_line() -> None:
    config = ModelConfig()
    taken = built(lambda config, classes, bands: _Plain(bands), config, 3, SEVEN)
    assert isinstance(taken, _Plain)
    assert taken.layer.in_channels == 7
    blind = built(lambda config, classes: _Plain(), config, 3, SEVEN)
    assert isinstance(blind, _Plain)
    words = "model/network mine must be one for images of 7 bands"
    with pytest.raises(ValueError, match=words) as raised:
        require_bands("mine", blind, SEVEN)
    assert "\n" not in str(raised.value)
    require_bands("mine", blind, RGB)


def test_pretrained_weights_are_said_to_be_repeated_or_summed() -> None:
    assert transfer_of("ImageNet", RGB) == "ImageNet"
    assert transfer_of("ImageNet", SEVEN).endswith("from 3 to 7 bands: weights repeated, times 3/7")
    assert transfer_of("ImageNet", Pixels(1, 16)).endswith("3 to 1 bands: its 3 weights summed")
    assert transfer_of(RANDOM, SEVEN).endswith("random weights")
    assert TrialConfig().data.normalize == "auto"
