"""Checks of the arguments of losses. Shape letters: B images, K classes, H rows, W columns."""

from typing import Literal

import torch
from torch import Tensor

from trainables.config import refused, require
from trainables.geometry.boundaries import VOID
from trainables.geometry.device import on_cpu


def check_inputs(logits_BKHW: Tensor, labels_BHW: Tensor) -> None:
    """Reject logits and labels of wrong shape, type or value.

    Values are checked on a CPU only: on a GPU the host would wait for the device in every step.
    There, call ``check_values`` once, on the first batch.

    Raises:
        ValueError: wrong shapes or types, labels out of range, logits that are not finite.
    """
    if logits_BKHW.dim() != 4 or not logits_BKHW.is_floating_point():
        raise _refused_tensor("logits_BKHW", "floating point of shape (B,K,H,W)", logits_BKHW)
    images, classes, rows, columns = logits_BKHW.shape
    require(classes <= VOID, "logits_BKHW", f"of at most {VOID} classes: {VOID} is void", classes)
    check_map("labels_BHW", labels_BHW, torch.int64, (images, rows, columns))
    if labels_BHW.device != logits_BKHW.device:
        raise refused("labels_BHW", f"on {logits_BKHW.device}", str(labels_BHW.device))
    if on_cpu(logits_BKHW):
        check_values(logits_BKHW, labels_BHW)


def check_map(name: str, given: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    """Reject a map of another type or shape, without waiting for the device."""
    if given.dtype != dtype or tuple(given.shape) != shape:
        raise _refused_tensor(name, f"{dtype} of shape {shape}", given)


def check_logits(name: str, logits: Tensor, shape: tuple[int, ...]) -> None:
    """Reject logits of another shape or, on a CPU (see ``check_inputs``), not finite."""
    if not logits.is_floating_point() or tuple(logits.shape) != shape:
        raise _refused_tensor(name, f"floating point of shape {shape}", logits)
    if on_cpu(logits):
        check_finite(name, logits)


def _refused_tensor(name: str, allowed: str, given: Tensor) -> ValueError:
    return ValueError(f"{name} must be {allowed}, got {given.dtype} of shape {tuple(given.shape)}")


def check_values(logits_BKHW: Tensor, labels_BHW: Tensor) -> None:
    """Reject labels out of range and logits that are not finite. Waits for the device.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """
    check_labels(labels_BHW, logits_BKHW.shape[1])
    check_finite("logits_BKHW", logits_BKHW)


def check_labels(labels_BHW: Tensor, num_classes: int) -> None:
    """Reject labels that are neither a class nor void. Waits for the device."""
    wrong_BHW = ((labels_BHW < 0) | (labels_BHW >= num_classes)) & (labels_BHW != VOID)
    if wrong_BHW.any():
        value = int(labels_BHW[wrong_BHW][0])
        raise refused("labels_BHW", f"in 0..{num_classes - 1} or {VOID}", value)


def check_finite(name: str, logits: Tensor) -> None:
    """Reject NaN and infinity. A finite sum, at a third of the cost, proves that there are none."""
    # The sum of finite values may overflow, so only a full check refuses.
    if not logits.detach().sum(dtype=torch.float32).isfinite() and not logits.isfinite().all():
        value = logits[~logits.isfinite()][0].item()
        raise refused(name, "finite", value)


RegionClasses = Literal["all", "foreground"]


def first_class(classes: RegionClasses) -> int:
    """The first class of a region loss: "foreground" leaves out class 0.

    Raises:
        ValueError: it is neither; a list of classes, say, must not be taken for "all".
    """
    require(classes in ("all", "foreground"), "classes", "'all' or 'foreground'", classes)
    return 1 if classes == "foreground" else 0


def full_precision(logits: Tensor) -> Tensor:
    """Half precision as float32, other types unchanged: sums over a map need the digits."""
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()
