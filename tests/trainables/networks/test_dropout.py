"""Dropout by image: as published in the mean, off in evaluation, and no matter of the ranks."""

import re

import pytest
import torch

from trainables.config import ModelConfig, TrialConfig
from trainables.networks.dropout import ChannelDropout
from trainables.networks.segmentation import Segmenter

IMAGES = torch.ones(4, 1000, 2, 2)


def dropped(places: list[int], epoch: int = 1, seed: int = 0) -> torch.Tensor:
    layer = ChannelDropout(0.3)
    layer.draw(seed, epoch, places)
    return layer(IMAGES[: len(places)])


def test_complete_channels_are_dropped_and_the_mean_stays() -> None:
    out = dropped([0, 1, 2, 3])
    assert out.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert torch.equal(out, out[..., :1, :1].expand_as(out))
    # 4000 draws: the share of zeros has a standard deviation of 0.007
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert out.mean().item() == pytest.approx(1, abs=0.04)


def test_an_image_s_draw_is_its_own_whoever_trains_it() -> None:
    together = dropped([0, 1, 2, 3])
    first, second = dropped([0, 2]), dropped([1, 3])  # as two ranks share them
    assert torch.equal(together[[0, 2]], first)
    assert torch.equal(together[[1, 3]], second)
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(together[0], dropped([0], epoch=2)[0])
    assert not torch.equal(together[0], dropped([0], seed=1)[0])


def test_evaluation_drops_nothing_and_training_without_draws_is_an_error() -> None:
    layer = ChannelDropout(0.5)
    with pytest.raises(ValueError, match="draw must name the 4 images of the batch, got 0"):
        layer(IMAGES)
    assert layer.eval()(IMAGES) is IMAGES
    assert ChannelDropout(0.0)(IMAGES) is IMAGES


def test_a_network_drops_what_its_classifier_sees() -> None:
    torch.manual_seed(0)
    network = Segmenter(
        ModelConfig(network="deeplabv3_r50", auxiliary=False, dropout=0.9), 3, False
    ).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    images = torch.rand(1, 3, 32, 32)
    network.dropout.draw(0, 1, [0])
    once = network(images).logits_BKHW
    assert torch.equal(once, network(images).logits_BKHW)
    network.dropout.draw(0, 1, [1])
    assert not torch.equal(once, network(images).logits_BKHW)
    network.eval()
    assert torch.equal(network(images).logits_BKHW, network(images).logits_BKHW)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model/dropout": 0.1}, "model/dropout must be 0 with tiny: only deeplabv3, "),
        ({"model/dropout": 1.0, "model/network": "pspnet_r101"}, "model/dropout must be in [0, 1)"),
    ],
)
def test_dropout_that_nobody_published_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        TrialConfig().changed(changes)  # type: ignore[arg-type]
