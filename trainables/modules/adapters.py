"""What other trainers hand to a loss, made into logits and labels.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from trainables.config import refused, require
from trainables.geometry.boundaries import VOID
from trainables.modules import class_losses, overlap_losses, pixel_losses
from trainables.modules.arguments import may_wait
from trainables.modules.loss_module import ClassLoss, LossModule

_NONE = -1
"""An ignored label that no pixel has."""


class ChannelLabels(nn.Module):
    """A loss for trainers whose labels have a channel: MONAI's, nnU-Net's and SMP's.

    ``(logits, target[, boundary_logits])``, where the target is (B,1,H,W) with a class in each
    pixel, as whole numbers of any type, or (B,K,H,W) one-hot. A pixel without a class in a one-hot
    target counts nowhere.
    """

    def __init__(self, loss: LossModule) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits: Tensor, target: Tensor, *boundary_logits: Tensor) -> Tensor:
        """The loss, a scalar.

        Raises:
            ValueError: a target of another shape, or of other than whole numbers.
        """
        labels = _labels(logits, target, self.loss.ignore_index)
        return cast(Tensor, self.loss(logits, labels, *boundary_logits))


def _labels(logits: Tensor, target: Tensor, ignore_index: int) -> Tensor:
    shape, classes = tuple(target.shape), logits.shape[1] if logits.dim() == 4 else 0
    if target.dim() != 4 or shape[1] not in (1, classes):
        raise refused("target", f"of shape (B,1,H,W) or (B,{classes},H,W)", shape)
    if shape[1] == 1:
        labels = target.squeeze(1)
        if labels.is_floating_point():
            _require(labels == labels.round(), "of whole numbers", labels)
            labels = labels.long()
        return labels
    _require((target == 0) | (target == 1), "0 or 1 where it is one-hot", target)
    count = target.sum(dim=1)
    _require(count <= 1, "of one class in each pixel where it is one-hot", count)
    return target.argmax(dim=1).masked_fill(count == 0, ignore_index)


def _require(good: Tensor, allowed: str, values: Tensor) -> None:
    if may_wait(good) and not good.all():
        raise refused("target", allowed, values[~good][0].item())


class EdgewiseLoss(nn.Module):
    """A loss of class scores with the interface of mmsegmentation's losses.

    ``import edgewise.mmseg`` registers it, so that a config can say ``loss_decode=[...,
    dict(type="EdgewiseLoss", loss="ActiveBoundary", loss_weight=1.0, theta=20.0)]``.
    """

    def __init__(
        self,
        loss: str,
        loss_weight: float = 1.0,
        loss_name: str = "",
        **settings: float | bool | str | list[int],
    ) -> None:
        """
        Args:
            loss: a class of ``edgewise.losses`` that needs neither a boundary head nor a stage.
            loss_weight: factor of the loss.
            loss_name: its name in the log; it must begin with ``loss_`` to be trained, as
                mmsegmentation asks. Default: ``loss_`` and the class.
            settings: of the class.

        Raises:
            ValueError: an unknown loss, or a name with another beginning.
        """
        super().__init__()
        require(loss in CLASS_LOSSES, "loss", f"one of {', '.join(CLASS_LOSSES)}", loss)
        self.loss_name = loss_name or f"loss_{loss}"
        allowed = "begin with loss_, or mmsegmentation does not train it"
        if not self.loss_name.startswith("loss_"):
            raise ValueError(f"loss_name must {allowed}, got {self.loss_name!r}")
        self.loss_weight = loss_weight
        self.loss: ClassLoss = CLASS_LOSSES[loss](**settings)

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = VOID,
    ) -> Tensor:
        """The loss, a scalar, times ``loss_weight``.

        Args:
            cls_score: (B,K,H,W), enlarged to the labels' size, as the decode head does.
            label: (B,H,W), or (B,1,H,W).
            ignore_index: the decode head's; None: every pixel counts.

        Raises:
            ValueError: pixel weights or another reduction: the losses are no sums over pixels.
        """
        require(weight is None, "weight", "None: no pixel sampler", "pixel weights")
        require(avg_factor is None, "avg_factor", "None", avg_factor)
        mean = reduction_override in (None, "mean")
        require(mean, "reduction_override", "None or 'mean'", reduction_override)
        self.loss.ignore_index = _NONE if ignore_index is None else ignore_index
        labels = label.squeeze(1) if label.dim() == 4 else label
        return self.loss_weight * cast(Tensor, self.loss(cls_score, labels))


CLASS_LOSSES: dict[str, Callable[..., ClassLoss]] = {
    name: kind
    for module in (class_losses, overlap_losses, pixel_losses)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, ClassLoss) and kind is not ClassLoss
}


def two_logits(logit: Tensor) -> Tensor:
    """(B,2,H,W): the scores of two classes whose softmax is the sigmoid of one logit (B,1,H,W)."""
    require(logit.dim() == 4 and logit.shape[1] == 1, "logit", "of shape (B,1,H,W)", logit.shape)
    return torch.cat([torch.zeros_like(logit), logit], dim=1)
