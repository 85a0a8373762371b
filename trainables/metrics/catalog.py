"""The reported metrics: direction, unit, range, source. It needs no torch, so all can import it."""

from math import inf
from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """A metric's properties; values lie in ``low`` to ``high``."""

    direction: Literal["max", "min"]
    unit: str
    low: float
    high: float
    source: str


TOLERANCES_PX = (1, 3, 5)
"""Tolerances at which boundary F is reported (ABL Table 6), in pixels of the evaluated map."""

TRIMAP_WIDTHS_PX = tuple(range(1, 11))
"""Widths of the bands around true edges (SEMEDA Figure 5), in pixels to either side."""

BOUNDARY_IOU_RATIO = 0.02
"""Width of boundary IoU's region as a share of the image's diagonal: its tool's default."""


def _fraction(source: str) -> Metric:
    return Metric("max", "fraction", 0, 1, source)


METRICS: dict[str, Metric] = {
    "miou": _fraction("TP / (TP + FP + FN) over all images, mean over occurring classes"),
    "pixel_accuracy": _fraction("valid pixels whose class is right, over all images"),
    "dice": _fraction("DSC, 2 TP / (2 TP + FP + FN), by class and image (ABL Table 8)"),
    **{
        f"boundary_f_{tolerance}px": _fraction(
            f"contour F of Perazzi et al. (DAVIS, 2016) at {tolerance} px, by class and image"
        )
        for tolerance in TOLERANCES_PX
    },
    "boundary_iou": _fraction(
        f"Cheng et al. (CVPR 2021), {BOUNDARY_IOU_RATIO:.0%} of the diagonal, over all images, "
        "mean over occurring classes"
    ),
    "mba": _fraction("mean boundary accuracy of CascadePSP (CVPR 2020), by image"),
    **{
        f"trimap_miou_{side}_{width}px": _fraction(
            f"mIoU of the pixels {side} the band of {width} px about true edges (SEMEDA Figure 5)"
        )
        for side in ("inside", "outside")
        for width in TRIMAP_WIDTHS_PX
    },
    "hausdorff": Metric("min", "px or mm", 0, inf, "as medpy and monai, by class and image"),
    "hd95": Metric("min", "px or mm", 0, inf, "as medpy, both surfaces' distances pooled"),
    "assd": Metric("min", "px or mm", 0, inf, "average symmetric surface distance, as medpy"),
    "surfaces_scored": Metric(
        "max", "pairs", 0, inf, "pairs of image and class with two surfaces: those in Hausdorff"
    ),
    "classes_scored": Metric("max", "classes", 0, inf, "classes that occur: those in mIoU's mean"),
    "contours_scored": Metric(
        "max", "pairs", 0, inf, "pairs of image and class with a contour: those in boundary F"
    ),
}
"""The metrics of an evaluation, in this order; surface distances only if they are counted.

These are the names in the ledger and in MLflow; the test list's have ``test_`` before them.
"""

OTHER_METRICS: dict[str, Metric] = {
    "ods_f": _fraction("edge_detection.py: best F of one threshold for all images"),
    "depth_rmse": Metric("min", "m", 0, inf, "tasks.py: root of the mean square over all pixels"),
    "normals_mean_angle": Metric("min", "degree", 0, 180, "tasks.py: mean over all pixels"),
    "saliency_miou": _fraction("tasks.py: best threshold for all images (ASTMT)"),
    "parts_miou": _fraction("tasks.py: mean over parts and background (ASTMT)"),
    "delta_m": Metric("max", "fraction", -inf, inf, "tasks.py: mean relative gain over tasks"),
    "davis_j": _fraction("video.py: IoU of the object, mean over frames (ABL Table 7)"),
    "davis_f": _fraction("video.py: contour F at 0.8 % of the diagonal (ABL Table 7)"),
}
"""Metrics of tasks other than segmentation, which functions in ``other_tasks`` compute."""
