"""mmsegmentation and nnU-Net, which do not install beside this torch: by their documented calls."""

import sys
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trainables.modules.adapter_page import NNUNET, batches, block, network
from trainables.edgewise import losses
from trainables.modules.adapters import EdgewiseLoss


def test_mmsegmentation(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its documented registry and call: `loss(seg_logits, label, weight=, ignore_index=)`."""
    registered: dict[str, type] = {}

    class Models:
        @staticmethod
        def register_module(name: str | None = None, module: type | None = None) -> None:
            assert module is not None
            registered[name or module.__name__] = module

    registry = SimpleNamespace(MODELS=Models)
    monkeypatch.setitem(sys.modules, "mmseg", ModuleType("mmseg"))
    monkeypatch.setitem(sys.modules, "mmseg.registry", cast(ModuleType, registry))
    monkeypatch.delitem(sys.modules, "trainables.edgewise.mmseg", raising=False)
    scope = block('custom_imports = dict(imports=["edgewise.mmseg"], allow_failed_imports=False)')
    scope |= block("loss_decode = [")
    assert scope["custom_imports"]["imports"] == ["edgewise.mmseg"]
    __import__("trainables.edgewise.mmseg")
    config = scope["loss_decode"][1]
    loss = registered[config.pop("type")](**config)
    [(images, labels), _] = batches()
    logits = network()(images)
    found = loss(logits, labels, weight=None, ignore_index=255)
    assert found == 1.5 * losses.active_boundary(logits, labels, theta=20.0)
    assert loss.loss_name == "loss_ActiveBoundary"
    assert loss(logits, labels.clamp(max=2), weight=None, ignore_index=None).isfinite()


def test_mmsegmentation_refuses_what_it_would_leave_out() -> None:
    [(images, labels), _] = batches()
    loss = EdgewiseLoss("LovaszSoftmax")
    with pytest.raises(ValueError, match="weight must be None: no pixel sampler"):
        loss(network()(images), labels, weight=torch.ones(2, 16, 24))
    with pytest.raises(ValueError, match=r"loss must be one of .*, got 'SEMEDA'"):
        EdgewiseLoss("SEMEDA")
    with pytest.raises(ValueError, match="loss_name must begin with loss_"):
        EdgewiseLoss("LovaszSoftmax", loss_name="lovasz")


class Supervised(nn.Module):
    """nnU-Net's wrapper by its documented behaviour: a weighted sum over pairs of outputs."""

    def __init__(self, loss: nn.Module, weight_factors: list[float]) -> None:
        super().__init__()
        self.loss, self.weight_factors = loss, weight_factors

    def forward(self, outputs: list[Tensor], targets: list[Tensor]) -> Tensor:
        parts = [self.loss(*pair) for pair in zip(outputs, targets, strict=True)]
        return torch.stack([w * p for w, p in zip(self.weight_factors, parts, strict=True)]).sum()


def test_nnunet(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, ignored = [0.75, 0.25], 3

    class Entropy(nn.Module):
        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            return F.cross_entropy(output, target[:, 0].long(), ignore_index=ignored)

    class TheirTrainer:
        enable_deep_supervision = True
        label_manager = SimpleNamespace(ignore_label=ignored, has_regions=False)

        def _build_loss(self) -> nn.Module:
            return Supervised(Entropy(), weights)

    base = "nnunetv2.training"
    supervision = SimpleNamespace(DeepSupervisionWrapper=Supervised)
    trainer = SimpleNamespace(nnUNetTrainer=TheirTrainer)
    monkeypatch.setitem(sys.modules, f"{base}.loss.deep_supervision", cast(ModuleType, supervision))
    place = f"{base}.nnUNetTrainer.nnUNetTrainer"
    monkeypatch.setitem(sys.modules, place, cast(ModuleType, trainer))
    for name in ("nnunetv2", base, f"{base}.loss", f"{base}.nnUNetTrainer"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    scope = block(NNUNET)
    loss = scope["nnUNetTrainerBoundary"]()._build_loss()
    [(images, labels), _] = batches()
    target = labels.masked_fill(labels == 255, ignored).unsqueeze(1).to(torch.int16)
    model, plain = network(), network()
    outputs, targets = (
        [model(images), model(images)[..., ::2, ::2]],
        [target, target[..., ::2, ::2]],
    )
    loss(outputs, targets).backward()
    total = torch.zeros(())
    for weight, output, of in zip(
        weights, [plain(images), plain(images)[..., ::2, ::2]], targets, strict=True
    ):
        classes = of[:, 0].long().masked_fill(of[:, 0] == ignored, 255)
        total = total + weight * F.cross_entropy(output, classes, ignore_index=255)
        total = total + weight * losses.active_boundary(output, classes)
    total.backward()
    for mine, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(cast(Tensor, mine.grad), cast(Tensor, theirs.grad), atol=1e-6)
