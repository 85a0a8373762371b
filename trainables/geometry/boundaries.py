"""Boundary maps from class labels, one function per source.

By default, void makes no boundary.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.device import on_cpu

VOID = 255
"""The label of pixels without annotation: no loss, no metric, no boundary."""

Variant = Literal["paper", "released"]
"""Which reading of a paper, where its equations and its authors' released code differ."""

_SOBEL_X = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def one_hot(labels_BHW: Tensor, num_classes: int) -> Tensor:
    """Bool (B,K,H,W): class membership. A void pixel belongs to no class."""
    classes_K = torch.arange(num_classes, device=labels_BHW.device)
    return labels_BHW.unsqueeze(1) == classes_K.view(1, -1, 1, 1)


def sobel_boundary(labels_BHW: Tensor, num_classes: int) -> Tensor:
    """Bool (B,H,W): pixels where a Sobel filter responds to the mask of any class.

    InverseForm, section 3.5 ("the ground-truth is passed through a Sobel filter to produce a
    binary boundary map"). The paper does not say to what the filter is applied; here it is each
    class's mask, so that the numbering of classes does not matter. Boundaries are two pixels thick,
    one on either side of the contact. The kernels sum to zero, so taking each neighbour relative to
    the centre changes nothing between valid pixels, and lets void pixels and those outside the
    image count as equal to the centre.
    """
    if labels_BHW.numel() == 0:  # a convolution refuses it
        return torch.zeros_like(labels_BHW, dtype=torch.bool)
    labels_B1HW = labels_BHW.unsqueeze(1)
    mask_BKHW = one_hot(labels_BHW, num_classes).float()
    valid_B1HW = (labels_B1HW != VOID).float()
    kernel_x = torch.tensor(_SOBEL_X).to(labels_BHW.device, non_blocking=True)
    kernels_2133 = torch.stack((kernel_x, kernel_x.T)).unsqueeze(1)

    weight_B2HW = F.conv2d(valid_B1HW, kernels_2133, padding=1)
    answered_B1HW = torch.zeros_like(labels_B1HW, dtype=torch.bool)
    # Class by class: the responses of all classes at once would take 2 K maps.
    for mask_B1HW in mask_BKHW.split(1, dim=1):
        response_B2HW = F.conv2d(mask_B1HW, kernels_2133, padding=1) - mask_B1HW * weight_B2HW
        answered_B1HW |= (response_B2HW != 0).any(dim=1, keepdim=True)
    return (answered_B1HW & (labels_B1HW != VOID)).squeeze(1)


BoundaryMaker = Callable[[Tensor, int], Tensor]
"""int64 (B,H,W) labels and the number of classes -> bool (B,H,W)."""


def boundary_maker(kind: Literal["sobel", "radius"], variant: Variant) -> BoundaryMaker:
    """The function that makes InverseForm's true boundaries, for its loss and for its stage."""
    return sobel_boundary if kind == "sobel" else partial(radius_boundary, variant=variant)


def two_neighbour_boundary(labels_BHW: Tensor, *, variant: Variant = "paper") -> Tensor:
    """Bool (B,H,W): pixels whose label differs from that of the pixel below or to the right.

    Active Boundary Loss, Eq. 1 with N2 = {(1,0), (0,1)}, on labels. In "paper", void pixels are
    ignored, so predictions are not drawn to the rim of void regions. In "released", contacts with
    void count, and every void pixel is boundary.
    """
    void_BHW = labels_BHW == VOID
    boundary_BHW = torch.zeros_like(void_BHW)
    for near, far in _pairs(1, 0), _pairs(0, 1):
        differs = labels_BHW[near] != labels_BHW[far]
        if variant == "paper":
            differs &= ~(void_BHW[near] | void_BHW[far])
        boundary_BHW[near] |= differs
    return boundary_BHW | void_BHW if variant == "released" else boundary_BHW


def eight_neighbour_boundary(labels_BHW: Tensor) -> Tensor:
    """Bool (B,H,W): pixels that do not have eight neighbours of their own label.

    SEMEDA, section 3.3 ("pixels that do not have 8 identical labeled neighbour pixels"). Void
    neighbours, and those outside the image, count as identical.
    """
    return _touches_other_class(labels_BHW, [(0, 1), (1, -1), (1, 0), (1, 1)])


def four_neighbour_boundary(labels_BHW: Tensor, *, rim: bool = False) -> Tensor:
    """Bool (B,H,W): pixels of which one of the four neighbours has another label (Boundary DoU).

    Void neighbours, and those outside the image, count as equal; with ``rim`` as another label.
    """
    if not rim:
        return _touches_other_class(labels_BHW, [(0, 1), (1, 0)])
    padded_BHW = F.pad(labels_BHW, (1, 1, 1, 1), value=VOID)
    inside_BHW = padded_BHW[:, 1:-1, 1:-1]
    neighbours = (
        padded_BHW[:, :-2, 1:-1],
        padded_BHW[:, 2:, 1:-1],
        padded_BHW[:, 1:-1, :-2],
        padded_BHW[:, 1:-1, 2:],
    )
    return torch.stack([inside_BHW != other_BHW for other_BHW in neighbours]).any(dim=0)


def radius_boundary(
    labels_BHW: Tensor,
    num_classes: int,
    *,
    radius: float = 2.0,
    variant: Variant = "paper",
) -> Tensor:
    """Bool (B,H,W): pixels within ``radius`` pixels of a pixel of another class, on both sides.

    As the released InverseForm's training labels (distance transforms of every class, radius 2).
    Comparing the pairs of pixels in a disk gives the same map without any transform: a pixel is
    within r of a class exactly if a pixel of that class lies in its disk.

    "paper": void pixels and the outside of the image make no boundary. "released": class 0 has no
    mask of its own, and both void and the outside are "no class", so classes 1..K-1 have a
    boundary against them; void pixels can be boundary.

    Raises:
        ValueError: ``radius`` is not in [1, 16]; the cost grows with its square.
    """
    if not 1 <= radius <= 16:
        raise ValueError(f"radius must be in [1, 16] pixels, got {radius}")
    reach = int(radius)
    offsets = [
        (down, right)
        for down in range(reach + 1)
        for right in range(-reach, reach + 1)
        if (down, right) > (0, 0) and down**2 + right**2 <= radius**2
    ]
    if variant == "paper":
        return _touches_other_class(labels_BHW, offsets)
    return _touches_released(labels_BHW, num_classes, offsets)


def _touches_other_class(labels_BHW: Tensor, offsets: list[tuple[int, int]]) -> Tensor:
    """Pixels whose label differs from one at an offset or its opposite; void pixels are ignored."""
    labels_BHW = labels_BHW.to(torch.uint8)  # an eighth of the memory traffic of int64
    valid_BHW = labels_BHW != VOID
    # On a GPU, asking whether there is void would make the host wait.
    some_void = not on_cpu(labels_BHW) or not valid_BHW.all()
    boundary_BHW = torch.zeros_like(valid_BHW)
    for near, far in (_pairs(*offset) for offset in offsets):
        differs = labels_BHW[near] != labels_BHW[far]
        if some_void:
            differs &= valid_BHW[near]
            differs &= valid_BHW[far]
        boundary_BHW[near] |= differs
        boundary_BHW[far] |= differs
    return boundary_BHW


def _touches_released(
    labels_BHW: Tensor, num_classes: int, offsets: list[tuple[int, int]]
) -> Tensor:
    """Class 0, void and the outside are all "no class"; then any contact of two labels counts."""
    reach = max(right for _, right in offsets)
    foreground_BHW = (labels_BHW > 0) & (labels_BHW < num_classes)
    class_BHW = torch.where(foreground_BHW, labels_BHW, 0).to(torch.uint8)
    padded_BHW = F.pad(class_BHW, (reach, reach, reach, reach))
    boundary_BHW = _touches_other_class(padded_BHW, offsets)
    return boundary_BHW[:, reach:-reach, reach:-reach].contiguous()


def _pairs(down: int, right: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of (B,H,W): the pixels that have a neighbour at this offset, and those neighbours."""
    far_columns = slice(max(right, 0), right if right < 0 else None)
    near_columns = slice(max(-right, 0), -right if right > 0 else None)
    rows = slice(None)
    return (rows, slice(None, -down or None), near_columns), (rows, slice(down, None), far_columns)
