"""Batch normalisation over the images of all ranks.

With statistics of each rank alone, two ranks would be another experiment than one. Ranks on GPUs
use torch's own layer, which needs NCCL; ours does the same over any other backend. Both have the
names of ``nn.BatchNorm2d`` in a state dict, so a checkpoint of either is one of the other.
Shape letters: B images, D channels, H rows, W columns.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _SumOverRanks(torch.autograd.Function):
    """A differentiable sum over ranks; its gradient is the sum of all ranks' gradients.

    ``torch.distributed.nn.functional.all_reduce`` does the same and is deprecated.
    """

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        # Itself again, so that a second derivative is summed over ranks too.
        total: Tensor = _SumOverRanks.apply(gradient)
        return total


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` whose sums run over all ranks; unlike SyncBatchNorm, on any backend."""

    act: nn.Module
    """The activation of timm's ``BatchNormAct2d``; the identity for other layers."""

    def forward(self, x_BDHW: Tensor) -> Tensor:
        if not (self.training and dist.is_initialized() and dist.get_world_size() > 1):
            return self.act(super().forward(x_BDHW))
        given, x_BDHW = x_BDHW.dtype, x_BDHW.float()  # statistics stay fp32 under autocast
        mean_D, variance_D = self._statistics(x_BDHW)
        scale_D = (variance_D + self.eps).rsqrt() * self.weight
        shift_D = self.bias - mean_D * scale_D
        normal_BDHW = x_BDHW * scale_D.view(1, -1, 1, 1) + shift_D.view(1, -1, 1, 1)
        return self.act(normal_BDHW.to(given))

    def _statistics(self, x_BDHW: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and biased variance over all ranks; updates the running ones as torch does."""
        count = x_BDHW.new_tensor([x_BDHW.numel() / x_BDHW.shape[1]])
        dist.all_reduce(count)
        mean_D = _SumOverRanks.apply(x_BDHW.sum((0, 2, 3))) / count
        centred = x_BDHW - mean_D.view(1, -1, 1, 1)
        variance_D = _SumOverRanks.apply(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            momentum = self.momentum if self.momentum is not None else 0.1
            self.running_mean.lerp_(mean_D, momentum)
            # torch, too, normalises by the biased variance and tracks the unbiased one.
            self.running_var.lerp_(variance_D * count / (count - 1), momentum)
            self.num_batches_tracked.add_(1)
        return mean_D, variance_D


class NcclBatchNorm(nn.SyncBatchNorm):
    """torch's SyncBatchNorm with an activation: its kernels, and one collective each way."""

    act: nn.Module
    """As that of ``GlobalBatchNorm2d``."""

    def forward(self, x_BDHW: Tensor) -> Tensor:
        return self.act(super().forward(x_BDHW))


Global = GlobalBatchNorm2d | NcclBatchNorm
"""A batch norm over all ranks."""


def adopt(source: nn.BatchNorm2d, kind: type[Global]) -> Global:
    """The same layer, of this kind, with the same parameters under the same names."""
    new = kind(
        source.num_features,
        source.eps,
        source.momentum,
        source.affine,
        source.track_running_stats,
    )
    new.load_state_dict(source.state_dict())
    new.act = getattr(source, "act", nn.Identity())
    return new


def make_global(module: nn.Module) -> nn.Module:
    """Replace every batch norm in ``module``, in place, and return the module."""
    kind = NcclBatchNorm if _is_nccl() else GlobalBatchNorm2d
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d) and not isinstance(child, GlobalBatchNorm2d):
            setattr(module, name, adopt(child, kind))
        else:
            make_global(child)
    return module


def _is_nccl() -> bool:
    """Whether this process's ranks exchange tensors by NCCL, which is so on GPUs."""
    return dist.is_initialized() and "nccl" in dist.get_backend()
