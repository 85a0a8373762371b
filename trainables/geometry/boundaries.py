"""Boundary maps from class labels. One function a source; void never makes a boundary.

Shape letters: B images, K classes, H rows, W columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

VOID = 255
"""The label of pixels that nobody annotated: no loss, no metric, no boundary."""

_SOBEL_X = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def one_hot(labels_BHW: Tensor, num_classes: int) -> Tensor:
    """Bool (B,K,H,W): class membership. A void pixel belongs to no class."""
    classes_K = torch.arange(num_classes, device=labels_BHW.device)
    return labels_BHW.unsqueeze(1) == classes_K.view(1, -1, 1, 1)


def sobel_boundary(labels_BHW: Tensor, num_classes: int) -> Tensor:
    """Bool (B,H,W): pixels where a Sobel filter answers to the mask of any class.

    InverseForm, section 3.5 ("the ground-truth is passed through a Sobel filter to produce a
    binary boundary map"). The paper does not say what the filter is applied to; here it is each
    class's mask, so that the numbering of the classes cannot matter. Boundaries are two pixels
    thick, one on either side of the contact. The kernels sum to zero, so writing each neighbour
    relative to the centre changes nothing between valid pixels, and lets void (and what lies
    outside the image) count as "the same as here".
    """
    labels_B1HW = labels_BHW.unsqueeze(1)
    mask_BKHW = one_hot(labels_BHW, num_classes).float()
    valid_B1HW = (labels_B1HW != VOID).float()
    kernel_x = torch.tensor(_SOBEL_X, device=labels_BHW.device)
    kernels_2133 = torch.stack((kernel_x, kernel_x.T)).unsqueeze(1)

    weight_B2HW = F.conv2d(valid_B1HW, kernels_2133, padding=1)
    answered_B1HW = torch.zeros_like(labels_B1HW, dtype=torch.bool)
    for mask_B1HW in mask_BKHW.split(1, dim=1):
        response_B2HW = F.conv2d(mask_B1HW, kernels_2133, padding=1) - mask_B1HW * weight_B2HW
        answered_B1HW |= (response_B2HW != 0).any(dim=1, keepdim=True)
    return (answered_B1HW & (labels_B1HW != VOID)).squeeze(1)


def eight_neighbour_boundary(labels_BHW: Tensor) -> Tensor:
    """Bool (B,H,W): pixels that do not have eight neighbours of their own label.

    SEMEDA, section 3.3 ("pixels that do not have 8 identical labeled neighbour pixels"). Void
    neighbours, and those that lie outside the image, are taken to be identical.
    """
    void_BHW = labels_BHW == VOID
    label_B1HW = labels_BHW.unsqueeze(1).float()
    least_BHW = -F.max_pool2d(-label_B1HW, 3, stride=1, padding=1).squeeze(1)
    most_B1HW = label_B1HW.masked_fill(void_BHW.unsqueeze(1), -1.0)
    most_BHW = F.max_pool2d(most_B1HW, 3, stride=1, padding=1).squeeze(1)
    return ((least_BHW != labels_BHW) | (most_BHW != labels_BHW)) & ~void_BHW
