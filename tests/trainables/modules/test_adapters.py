"""Tests that the examples of docs/adapters.md train as the plain loop does, to 1e-6."""

import re
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trainables.modules.adapter_page import (
    MONAI,
    assert_moved,
    batches,
    block,
    gradients_of_plain_loop,
    network,
    objective,
)
from trainables.edgewise import adapters, losses


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
    rows = cast("torch.utils.data.Dataset[tuple[Tensor, Tensor]]", batches())
    trainer.fit(module, torch.utils.data.DataLoader(rows, batch_size=None))
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


@pytest.mark.parametrize("kind", ["channel", "float", "one_hot"])
def test_monai(kind: str) -> None:
    """Where a loss of MONAI's stands, with the same arguments."""
    monai_losses = pytest.importorskip("monai.losses")
    one_hot = pytest.importorskip("monai.networks").one_hot
    [(images, labels), _] = batches()
    labels = labels.clamp(max=2)
    target = labels.unsqueeze(1)
    target = {"channel": target, "float": target.float(), "one_hot": one_hot(target, 3)}[kind]
    model, plain = network(), network()
    found = block(MONAI)["loss_function"](model(images), target)
    theirs = monai_losses.DiceCELoss(to_onehot_y=kind != "one_hot", softmax=True)
    assert theirs(model(images), target).shape == found.shape
    found.backward()
    expected = 0.99 * losses.generalised_dice(plain(images), labels)
    (expected + 0.01 * losses.boundary_loss(plain(images), labels)).backward()
    for mine, reference in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(cast(Tensor, mine.grad), cast(Tensor, reference.grad), atol=1e-6)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.zeros(2, 8, 8), "target must be of shape (B,1,H,W) or (B,3,H,W), got (2, 8, 8)"),
        (torch.full((2, 1, 8, 8), 0.5), "target must be of whole numbers, got 0.5"),
        (torch.full((2, 3, 8, 8), 0.5), "target must be 0 or 1 where it is one-hot, got 0.5"),
        (torch.ones(2, 3, 8, 8), "target must be of one class in each pixel where it is one-hot"),
    ],
)
def test_a_target_that_is_no_label_map_is_refused(target: Tensor, message: str) -> None:
    loss = adapters.ChannelLabels(losses.LovaszSoftmax())
    with pytest.raises(ValueError, match=re.escape(message)):
        loss(torch.zeros(2, 3, 8, 8), target)


def test_a_pixel_without_a_class_counts_nowhere() -> None:
    [(images, labels), _] = batches()
    hot = torch.stack([labels == label for label in range(3)], dim=1)  # void is in none
    logits = network()(images)
    loss = adapters.ChannelLabels(losses.LovaszSoftmax())
    assert loss(logits, hot.float()) == losses.lovasz_softmax(logits, labels)
