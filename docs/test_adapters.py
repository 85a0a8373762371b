"""Tests that the examples of adapters.md train as the plain loop does, to 1e-6."""

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from docs.test_use_the_loss import code
from tests.conftest import ROOT
from trainables.edgewise import adapters, losses
from trainables.modules.adapters import EdgewiseLoss

_PAGE = ROOT / "docs" / "adapters.md"
Loss = Callable[[Tensor, Tensor], Tensor]
Scope = dict[str, Any]
"""What a block of the page defines."""


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that pip would install, of this checkout."""
    package = ModuleType("edgewise")
    monkeypatch.setitem(sys.modules, "edgewise", package)
    monkeypatch.setitem(sys.modules, "edgewise.losses", losses)
    monkeypatch.setitem(sys.modules, "edgewise.adapters", adapters)


def block(first: str, **given: object) -> Scope:
    scope: Scope = {"torch": torch, "F": F, **given}
    exec(code(_PAGE, first), scope)
    return scope


def objective() -> Loss:
    plain = "from edgewise.losses import ActiveBoundary, CrossEntropy, LovaszSoftmax"
    return cast(Loss, block(plain)["objective"])


def network(outputs: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, outputs, 3, padding=1)


def batches(count: int = 2) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2 * count, 3, 16, 24, generator=generator)
    labels = torch.randint(3, (2 * count, 2, 3), generator=generator)
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    labels[:, :2] = 255
    return list(zip(images.split(2), labels.split(2), strict=True))


def gradients_of_plain_loop(loss: Loss, count: int = 2) -> list[Tensor]:
    """Of the mean over the batches, which a step with lr 1 subtracts."""
    model = network()
    for images, labels in batches(count):
        (loss(model(images), labels) / count).backward()
    return [cast(Tensor, weight.grad) for weight in model.parameters()]


def assert_moved(model: nn.Module, gradients: list[Tensor]) -> None:
    before = network().parameters()
    for old, new, gradient in zip(before, model.parameters(), gradients, strict=True):
        assert torch.allclose(old - new, gradient, atol=1e-6)
        assert gradient.abs().max() > 1e-3


def test_lightning(tmp_path: object) -> None:
    lightning = pytest.importorskip("lightning")
    loss, model = objective(), network()
    module = block("import lightning", objective=loss)["Segmentation"](model)
    trainer = lightning.Trainer(
        max_epochs=1,
        accumulate_grad_batches=2,
        accelerator="cpu",
        default_root_dir=str(tmp_path),
        **dict.fromkeys(
            ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
        ),
    )
    trainer.fit(module, batches())
    assert_moved(model, gradients_of_plain_loop(loss))


class Quarter(nn.Module):
    """Logits of half the size under a name, as SegFormer's are of a quarter."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"logits": F.avg_pool2d(self.inner(images), 2)}


def test_hugging_face(tmp_path: object) -> None:
    transformers = pytest.importorskip("transformers")
    loss, model = objective(), network()
    trainer_class = block("from transformers import Trainer", objective=loss)["BoundaryTrainer"]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    constant = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    arguments = transformers.TrainingArguments(
        str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        max_grad_norm=0.0,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    rows = [
        {"images": image, "labels": label}
        for images, labels in batches()
        for image, label in zip(images, labels, strict=True)
    ]
    trainer = trainer_class(
        model=Quarter(model),
        args=arguments,
        train_dataset=rows,
        optimizers=(optimizer, constant),
    )
    trainer.train()

    def plain(logits: Tensor, labels: Tensor) -> Tensor:
        half = F.avg_pool2d(logits, 2)
        return loss(F.interpolate(half, labels.shape[-2:], mode="bilinear"), labels)

    assert_moved(model, gradients_of_plain_loop(plain))


def test_smp_calls_a_loss_with_the_prediction_first() -> None:
    model = network()
    [(images, labels), _] = batches()
    scope = block("from edgewise.losses import LovaszSoftmax", model=model, images=images)
    del scope
    first = "from edgewise.losses import LovaszSoftmax"
    loss = block(first, model=model, images=images, labels=labels)["loss"]
    assert loss == losses.lovasz_softmax(model(images), labels)


def test_smp_in_mode_binary() -> None:
    """One logit and its sigmoid are two logits and their softmax."""
    model, images = network(1), batches()[0][0]
    masks = (batches()[0][1] == 1).float().unsqueeze(1)
    scope = block(
        "from edgewise.adapters import ChannelLabels, two_logits",
        LovaszSoftmax=losses.LovaszSoftmax,
        binary_model=model,
        images=images,
        masks=masks,
    )
    logit = model(images)
    both = torch.cat([torch.zeros_like(logit), logit], dim=1)
    assert torch.allclose(both.softmax(dim=1)[:, 1:], logit.sigmoid())
    assert scope["binary_loss"] == losses.lovasz_softmax(both, masks.squeeze(1).long())


@pytest.mark.parametrize("target", ["channel", "float", "one_hot"])
def test_monai(target: str) -> None:
    engines = pytest.importorskip("monai.engines")
    ignite = pytest.importorskip("ignite")
    del ignite, engines, target


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
    with pytest.raises(ValueError, match="loss must be one of .*, got 'SEMEDA'"):
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
    code_of = code(_PAGE, "from edgewise.adapters import ChannelLabels").replace("\n\n\n", "\n")
    del code_of
    first = "from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper"
    scope = block(
        first,
        ChannelLabels=adapters.ChannelLabels,
        ActiveBoundary=losses.ActiveBoundary,
    )
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
