"""Accuracy in the neighbourhood of true boundaries: mBA, and the trimap's bands.

Shape letters: N images, K classes, H rows, W columns, R radii, Z zones.
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID, eight_neighbour_boundary
from trainables.metrics.windows import ellipse, label_code, squared_distance, unite

NUM_RADII = 5
"""At so many radii is mBA averaged."""


def mba_radii(height: int, width: int) -> list[int]:
    """The radii in pixels: 1 + trunc(i (r - 1) / 5), i = 0..4, r = (H + W) / 300.

    As CascadePSP's code has it: they never reach r, and images with H + W < 675 have radius 1 only.
    """
    largest = (height + width) / 300
    return [1 + int((largest - 1) / NUM_RADII * step) for step in range(NUM_RADII)]


def boundary_accuracy(predicted_NHW: Tensor, labels_NHW: Tensor) -> Tensor:
    """int64 (N,R,2): right and valid pixels around true boundaries, for each of the five radii.

    The region is where an ellipse of that radius around the pixel holds a second label: the union
    of the classes' morphological gradients, to which the border of the image adds nothing. Void is
    a label of its own here, as in CascadePSP's evaluation (Cheng et al., CVPR 2020): what touches
    void lies in the region, but void pixels themselves are never counted.
    """
    code_NHW = label_code(labels_NHW)
    valid_NHW = labels_NHW != VOID
    right_NHW = valid_NHW & (predicted_NHW == labels_NHW)
    radii = mba_radii(*labels_NHW.shape[-2:])
    distinct = sorted(set(radii))
    counts = {}
    for radius, union_NHW in zip(
        distinct, unite(code_NHW, [ellipse(radius) for radius in distinct]), strict=True
    ):
        region_NHW = union_NHW != code_NHW
        counts[radius] = torch.stack(
            ((region_NHW & right_NHW).sum((1, 2)), (region_NHW & valid_NHW).sum((1, 2))), dim=-1
        )
    return torch.stack([counts[radius] for radius in radii], dim=1)


def mean_boundary_accuracy(counts_NR2: Tensor) -> Tensor:
    """float64 (N): mean over the radii of right / valid; NaN for an image without a boundary.

    A radius whose region holds no valid pixel is left out.
    """
    return (counts_NR2[..., 0].double() / counts_NR2[..., 1]).nanmean(dim=-1)


def band_zones(labels_NHW: Tensor, widest_px: int) -> Tensor:
    """int32 (N,H,W): how many of the bands 1..widest around true edges a pixel lies outside of.

    The band of width w is the pixels within w - 1 px (Euclidean) of a semantic edge: width 1
    is the edge map itself, and a band reaches w px to either side of the contact. SEMEDA, section
    4.4 and Figure 5, varies "the width of a band centered on the boundary" and says no more.
    """
    squared_NHW = squared_distance(eight_neighbour_boundary(labels_NHW), widest_px - 1)
    zone_of_square = torch.full((256,), widest_px, dtype=torch.int32)
    for zone in reversed(range(widest_px)):
        zone_of_square[: zone**2 + 1] = zone
    zone_of_square = zone_of_square.to(labels_NHW.device)
    return zone_of_square.index_select(0, squared_NHW.flatten().int()).view_as(labels_NHW)
