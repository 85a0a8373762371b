"""Region J and contour F of video object segmentation (DAVIS; ABL Table 7).

After Perazzi et al. (CVPR 2016) and the public toolkit, except for frames without the object in
both prediction and truth: the toolkit scores them 1, here they are NaN, to be left out of the mean.
The toolkit's driver also leaves out each sequence's first and last frame; here the caller must.

Shape letters: N frames, H rows, W columns.
"""

import math

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.metrics.boundary import boundary_f, contour_hits
from trainables.metrics.overlap import iou, zone_overlap

TOLERANCE = 0.008
"""Share of the frame's diagonal within which contours match."""


def davis_j(predicted_NHW: Tensor, true_NHW: Tensor, void_NHW: Tensor | None = None) -> Tensor:
    """float64 (N): intersection over union of bool masks, per frame."""
    predicted, true = _labels(predicted_NHW, void_NHW), _labels(true_NHW, void_NHW)
    overlap_N23 = zone_overlap(predicted, true, torch.zeros_like(true), 1, 2)[:, 0]
    return iou(overlap_N23)[:, 1]


def davis_f(
    predicted_NHW: Tensor,
    true_NHW: Tensor,
    void_NHW: Tensor | None = None,
    tolerance: float = TOLERANCE,
) -> Tensor:
    """float64 (N): boundary F of bool masks, per frame.

    ``tolerance`` is in pixels from 1 on, and a share of the diagonal, rounded up, below.
    """
    predicted, true = _labels(predicted_NHW, void_NHW), _labels(true_NHW, void_NHW)
    share = tolerance * math.hypot(*true.shape[-2:])
    radius_px = int(tolerance) if tolerance >= 1 else math.ceil(share)
    lengths_N22, hits_N122 = contour_hits(predicted, true, 2, (radius_px,))
    return boundary_f(lengths_N22, hits_N122[:, 0])[:, 1]


def _labels(mask_NHW: Tensor, void_NHW: Tensor | None) -> Tensor:
    labels_NHW = mask_NHW.long()
    return labels_NHW if void_NHW is None else labels_NHW.masked_fill(void_NHW, VOID)
