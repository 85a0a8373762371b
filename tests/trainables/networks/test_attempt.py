"""The one try of a network: what cannot train or evaluate is found on two images and on one."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.networks.attempt import Attempt
from trainables.networks.catalog import NETWORKS

Wrap = Callable[[Tensor], Tensor]


class Plain(nn.Module):
    def __init__(self, wrap: Wrap = lambda x: x, unused: bool = False) -> None:
        super().__init__()
        self.last, self.wrap = nn.Conv2d(3, 4, 1), wrap
        self.unused = nn.Conv2d(1, 1, 1) if unused else None

    def forward(self, images: Tensor) -> Tensor:
        return self.wrap(self.last(images))


class Pooled(nn.Module):
    """A batch norm of one value per image, as in DeepLab's pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(images).expand(-1, -1, 8, 8)


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Attempt]:
    def of(module: nn.Module, trained: int = 2, shared: bool = False) -> Attempt:
        monkeypatch.setitem(NETWORKS, "own", lambda config, k: module)
        monkeypatch.setattr(PLUGIN, "networks", ["own"])
        config = ModelConfig(network="own")  # type: ignore[arg-type]
        images = torch.rand(2, 3, 32, 32)
        return Attempt(config, 4, False, images, trained, shared_statistics=shared)

    return of


@pytest.mark.parametrize(
    ("wrap", "words"),
    [
        (lambda x: x.squeeze(0), r"float \(1, 4, h, w\): images, classes, got 'float32 \(4, 32"),
        (lambda x: x * float("nan"), "a network with finite logits for 2 images"),
        (lambda x: x.detach().requires_grad_(), "no detach, no argmax"),
        (lambda x: x * 0 + 1, "no detach, no argmax"),
        (lambda x: x.long(), r"got 'int64 \(2, 4, 32, 32\)'"),
    ],
    ids=["one image", "not finite", "detached", "constant", "whole numbers"],
)
def test_what_cannot_work_is_one_line(
    attempt: Callable[..., Attempt], wrap: Wrap, words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        attempt(Plain(wrap)).run()
    assert "\n" not in str(refused.value)


def test_parameters_without_a_gradient_are_named(attempt: Callable[..., Attempt]) -> None:
    assert attempt(Plain()).run() == []
    names = [f"network.module.unused.{name}" for name in ("weight", "bias")]
    assert attempt(Plain(unused=True)).run() == names
    frozen = Plain(unused=True)
    assert frozen.unused is not None
    frozen.unused.requires_grad_(False)
    assert attempt(frozen).run() == []


def test_one_image_is_too_few_only_where_a_rank_s_batch_norm_sees_it_alone(
    attempt: Callable[..., Attempt],
) -> None:
    assert attempt(Pooled()).run() == []
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        attempt(Pooled(), trained=1).run()
    assert attempt(Pooled(), trained=1, shared=True).run() == []


def test_the_try_changes_no_random_number(attempt: Callable[..., Attempt]) -> None:
    tried = attempt(nn.Sequential(Plain(), nn.Dropout()))
    before = torch.random.get_rng_state()
    tried.run()
    assert torch.equal(torch.random.get_rng_state(), before)
