"""Losses under mixed precision: a step whose logits overflow is skipped, not an exception."""

import pytest
import torch
from torch import nn

from tests.trainables.modules.scenes import CLASSES, modules, scene
from trainables.config import TrialConfig
from trainables.losses.compose import TERMS, Learned, Prediction, Target
from trainables.modules import arguments
from trainables.modules.loss_module import HeadLoss, LossModule

NAMES = list(modules())


def module_of(name: str, on_nonfinite: str) -> LossModule:
    module = modules()[name][0]
    module.on_nonfinite = on_nonfinite  # type: ignore[assignment]
    return module


class Network(nn.Module):
    """Scores of the classes and of a boundary head; ``overflow`` makes one of them infinite."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.last = nn.Conv2d(1, CLASSES + 1, 1)

    def forward(self, images: torch.Tensor, overflow: float) -> torch.Tensor:
        scores: torch.Tensor = self.last(images)
        return torch.cat([scores[:, :, :1] * overflow, scores[:, :, 1:]], dim=2)


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
@pytest.mark.parametrize("name", NAMES)
def test_the_scaler_skips_a_step_whose_logits_are_not_finite(name: str, bad: float) -> None:
    loss, given = module_of(name, "return"), scene()
    network = Network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=100)
    images = torch.randn(2, 1, 24, 32, generator=torch.Generator().manual_seed(1))
    before = [weight.clone() for weight in network.parameters()]
    for overflow, moves in ((bad, False), (1.0, True)):
        optimizer.zero_grad()
        scores = network(4 * images, overflow)
        logits, head = scores[:, :CLASSES], scores[:, CLASSES:]
        value = loss(logits, given.labels, *([head] if isinstance(loss, HeadLoss) else []))
        assert value.isfinite() == moves
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()
        changed = any(
            not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True)
        )
        assert changed == moves
    assert scaler.get_scale() == 2.0  # halved once


@pytest.mark.parametrize("name", NAMES)
def test_all_finite_logits_give_the_same_bits_either_way(name: str) -> None:
    raising, returning = scene(), scene()
    value = raising.loss(module_of(name, "raise"))
    value.backward()
    same = returning.loss(module_of(name, "return"))
    same.backward()
    assert torch.equal(value, same)
    for mine, theirs in zip(returning.leaves(), raising.leaves(), strict=True):
        if theirs.grad is not None and mine.grad is not None:
            assert torch.equal(mine.grad, theirs.grad)


@pytest.mark.parametrize("bad", [float("-inf"), float("nan")])
@pytest.mark.parametrize("name", NAMES)
def test_by_default_they_are_refused_by_name(name: str, bad: float) -> None:
    loss, given = module_of(name, "raise"), scene()
    leaf = given.boundary_logits if isinstance(loss, HeadLoss) else given.logits
    leaf.data[..., 7, 7] = bad
    if name == "edge_attention":
        given.logits.data[..., 7, 7] = bad
    with pytest.raises(ValueError, match=r"logits\w* must be finite, got (nan|-inf)"):
        given.loss(loss)


@pytest.mark.parametrize("name", NAMES)
def test_autocast_does_not_reach_into_a_loss(name: str) -> None:
    given, loss = scene(), module_of(name, "raise")
    with torch.autocast("cpu", torch.bfloat16):
        value = given.loss(loss)
    assert value.dtype == torch.float32
    assert value == given.loss(loss)


@pytest.mark.parametrize("name", NAMES)
def test_where_the_host_must_not_wait_a_wrong_value_gives_nan(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where a wrong label would end the process or pass for another class."""
    monkeypatch.setattr(arguments, "may_wait", lambda tensor: False)
    for wrong in ("label", "logit", ""):
        given, loss = scene(), module_of(name, "raise")
        if wrong == "label":
            given.labels[0, 7, 7] = CLASSES
        if wrong == "logit":
            given.logits.data[0, 0, 7, 7] = torch.inf
        value = given.loss(loss)
        value.backward()
        assert value.isnan() == bool(wrong)
        gradients = [leaf.grad for leaf in given.leaves() if leaf.grad is not None]
        assert any(gradient.isnan().any() for gradient in gradients) == bool(wrong)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"inverse_form", "edge", "edge ppce"}))
def test_autocast_does_not_reach_into_a_term(name: str) -> None:
    """Without the module, whose network alone would run in half precision."""
    given, fields = scene(), modules()[name][1]
    config = TrialConfig().changed({f"loss/{key}": value for key, value in fields.items()}).loss
    prediction, target = Prediction(given.logits, given.boundary_logits), Target(given.labels, 3)
    compute = TERMS[name.partition(" ")[0]].compute
    with torch.autocast("cpu", torch.bfloat16):
        value = compute(config, prediction, target, Learned()).value()
    assert value == compute(config, prediction, Target(given.labels, 3), Learned()).value()
