"""What the tests of docs/adapters.md share: the page's examples, a network, batches."""

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.conftest import ROOT
from tests.printed_code import code

PAGE = ROOT / "docs" / "adapters.md"
MONAI = "from edgewise.losses import BoundaryLoss, GeneralisedDice"
NNUNET = "from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper"
"""First lines of their blocks."""
Loss = Callable[[Tensor, Tensor], Tensor]
Scope = dict[str, Any]
"""What a block of the page defines."""


def block(first: str, **given: object) -> Scope:
    scope: Scope = {"torch": torch, "F": F, **given}
    exec(code(PAGE, first), scope)
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
