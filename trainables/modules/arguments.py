"""Labels and logits of somebody else's training, made into what the losses take, or refused.

Shape letters: B images, K classes, H rows, W columns.
"""

from typing import Literal

import torch
from torch import Tensor

from trainables.config import refused, require
from trainables.geometry.boundaries import VOID


def may_wait(tensor: Tensor) -> bool:
    """Whether a value may be looked at: on a GPU the host would wait for it in every step."""
    return tensor.device.type == "cpu"


def finite_part(
    name: str, logits: Tensor, on_nonfinite: Literal["raise", "return"]
) -> tuple[Tensor, Tensor | None]:
    """The logits with zeros where they are not finite, and 0 if all are finite, else NaN.

    The second is None, and nothing is replaced, where the losses refuse such values themselves.

    Raises:
        ValueError: ``logits`` are not floating point.
    """
    require(logits.is_floating_point(), name, "floating point", logits.dtype)
    if on_nonfinite == "raise" and may_wait(logits):
        return logits, None
    finite = logits.isfinite()
    poison = torch.where(finite.all(), 0.0, torch.nan)
    return torch.where(finite, logits, 0.0), poison


def valid_labels(
    logits: Tensor, labels: Tensor, ignore_index: int, poison: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """int64 labels in which ignored pixels are 255, and the poison, which wrong labels set to NaN.

    On a CPU a wrong label is refused. On a GPU that would make the host wait, and used as an index
    it would end the process: there, such a pixel is ignored and the loss is NaN.

    Raises:
        ValueError: wrong type, shape, device or number of classes.
    """
    _check_shapes(logits, labels)
    num_classes = logits.shape[1]
    labels = labels.long()
    ignored = labels == ignore_index
    wrong = ((labels < 0) | (labels >= num_classes)) & ~ignored
    if ignore_index != VOID:
        labels = labels.masked_fill(ignored, VOID)
    if may_wait(labels):
        if wrong.any():
            allowed = f"in 0..{num_classes - 1} or {ignore_index} (ignore_index)"
            raise refused("labels", allowed, int(labels[wrong][0]))
        return labels, poison
    found = torch.where(wrong.any(), torch.nan, 0.0)
    return labels.masked_fill(wrong, VOID), found if poison is None else poison + found


def _check_shapes(logits: Tensor, labels: Tensor) -> None:
    if logits.dim() != 4:
        raise refused("logits", "of shape (B,K,H,W)", tuple(logits.shape))
    images, classes, rows, columns = logits.shape
    shape, whole = (images, rows, columns), not labels.is_floating_point()
    require(whole and not labels.is_complex(), "labels", "whole numbers", labels.dtype)
    require(tuple(labels.shape) == shape, "labels", f"of shape {shape}", tuple(labels.shape))
    require(labels.device == logits.device, "labels", f"on {logits.device}", str(labels.device))
    one = "; for one logit x, torch.cat([torch.zeros_like(x), x], dim=1)" if classes == 1 else ""
    require(2 <= classes <= VOID, "logits", f"of 2 to {VOID} classes{one}", classes)


def with_poison(value: Tensor, poison: Tensor | None, logits: Tensor) -> Tensor:
    """The loss; if the poison is NaN, so are the value and its gradient by every logit."""
    if poison is None:
        return value
    return value + (logits * poison).sum()  # zero, with a gradient of zero, unless it is NaN


def refuse_transforms(loss: object, by_hand: bool, *tensors: Tensor) -> None:
    """Refuse tensors of ``torch.func`` that the loss cannot differentiate or batch.

    Raises:
        NotImplementedError: one line, with what to do instead.
    """
    functorch = torch._C._functorch
    name = type(loss).__name__
    if any(functorch.is_batchedtensor(tensor) for tensor in tensors):
        raise NotImplementedError(f"{name} takes no torch.func.vmap: it takes batches as they are")
    if by_hand and any(functorch.is_functorch_wrapped_tensor(tensor) for tensor in tensors):
        raise NotImplementedError(
            f"{name} has its derivative written out, which torch.func cannot see: "
            "use loss.backward() or torch.autograd.grad"
        )
