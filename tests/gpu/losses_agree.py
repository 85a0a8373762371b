"""Every loss on the device gives the value and gradient that it gives on the CPU.

float32 is compared with float64 there, bfloat16 with itself: some cases add logits before their
loss, which rounds.

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
from torch import Tensor

from tests.gpu.table import Lines, judged
from tests.trainables.losses.cases import LOSSES, RELEASED, Loss
from trainables.geometry.boundaries import VOID

CHECK = "losses"
CLASSES = 3
_FP32, _BF16 = 1e-5, 2**-8
"""Largest error of a gradient as a share of its largest entry: rounding in fp32 as the CPU's tests
allow it, and the rounding of a gradient to bf16."""


def batch() -> tuple[Tensor, Tensor]:
    """Float64 logits (4,3,6,7), and labels of regions two pixels wide, with some void."""
    generator = torch.Generator().manual_seed(0)
    small = torch.randint(0, CLASSES, (4, 3, 4), generator=generator)
    labels_BHW = small.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :, :7].clone()
    labels_BHW[torch.rand(labels_BHW.shape, generator=generator) < 0.1] = VOID
    logits_BKHW = torch.randn(4, CLASSES, 6, 7, generator=generator, dtype=torch.float64)
    return logits_BKHW, labels_BHW


def lines(device: torch.device) -> Lines:
    logits_BKHW, labels_BHW = batch()
    named = {**LOSSES, **{f"{name}, released": loss for name, loss in RELEASED.items()}}
    for name, loss in named.items():
        for dtype, allowed in ((torch.float32, _FP32), (torch.bfloat16, _BF16)):
            given = logits_BKHW.to(dtype)
            exact = given if dtype == torch.bfloat16 else given.double()
            value, gradient = _at(loss, exact, labels_BHW)
            seen, slope = _at(loss, given.to(device), labels_BHW.to(device))
            off = abs(seen - value) / max(1.0, abs(value))
            slant = float((slope - gradient).abs().max() / gradient.abs().max().clamp(min=1e-12))
            yield judged(
                CHECK,
                f"{name}, {str(dtype).removeprefix('torch.')}",
                f"value 1e-5, gradient {allowed:.1g}",
                f"{off:.1e}, {slant:.1e}",
                off <= _FP32 and slant <= allowed,
            )


def _at(loss: Loss, logits_BKHW: Tensor, labels_BHW: Tensor) -> tuple[float, Tensor]:
    """Value and gradient, in float64 on the CPU."""
    leaf = logits_BKHW.detach().requires_grad_()
    value = loss(leaf, labels_BHW).value()
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.item(), gradient.double().cpu()
