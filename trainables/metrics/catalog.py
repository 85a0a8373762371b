"""The reported metrics: direction, unit, range, source. It needs no torch, so all can import it."""

from math import inf
from typing import Literal, NamedTuple

_TASK = "task/"
_CELLS = "cells"
DELTA_M = "delta_m"
SEMSEG = f"{_TASK}semseg"


class Metric(NamedTuple):
    """A metric's properties; values lie in ``low`` to ``high``."""

    direction: Literal["max", "min"]
    unit: str
    low: float
    high: float
    source: str
    needs: tuple[str, ...] = ()
    """What it is measured with: ``eval/...``, the field that requests it; ``volume`` or ``film``,
    the data that have it; ``task/...``, the task whose head it measures; ``cells``, a grid's
    networks of other tasks. Without any, every evaluation of a segmentation measures it."""

    @property
    def field(self) -> str:
        """The field of the config that requests it; "" without one."""
        return next((need for need in self.needs if need.startswith("eval/")), "")

    @property
    def series(self) -> str:
        """``volume`` or ``film``, if only such data have it; else ""."""
        kinds = (need for need in self.needs if "/" not in need and need != _CELLS)
        return next(kinds, "")

    @property
    def of_cells(self) -> bool:
        """Whether it compares the networks of a grid, so that no evaluation measures it."""
        return _CELLS in self.needs

    @property
    def task(self) -> str:
        """The task that it measures, such as ``depth``; most measure ``semseg``."""
        named = (need for need in self.needs if need.startswith(_TASK))
        return next(named, SEMSEG).removeprefix(_TASK)


TOLERANCES_PX = (1, 3, 5)
"""Tolerances at which boundary F is reported (ABL Table 6), in pixels of the evaluated map."""

TRIMAP_WIDTHS_PX = tuple(range(1, 11))
"""Widths of the bands around true edges (SEMEDA Figure 5), in pixels to either side."""

BOUNDARY_IOU_RATIO = 0.02
"""Width of boundary IoU's region as a share of the image's diagonal: its tool's default."""


SURFACE, HOLES, VOLUME, FILM = "eval/surface", "eval/holes", "volume", "film"


def _fraction(source: str, *needs: str) -> Metric:
    return Metric("max", "fraction", 0, 1, source, needs)


def _distance(unit: str, source: str, *needs: str) -> Metric:
    return Metric("min", unit, 0, inf, source, needs)


LENGTH = "px or mm"
"""The unit of distances that are in pixels, or in mm where the data have spacing."""
_ONE_SIDED = "the image's diagonal where one map alone has the class,"
_EMPTY_IS_ONE = "1 where neither map has any"
_EMPTY_IS_ZERO = "0 where neither map has any, the diagonal where one alone has"

METRICS: dict[str, Metric] = {
    "miou": _fraction("TP / (TP + FP + FN) over all images, mean over occurring classes"),
    "pixel_accuracy": _fraction("valid pixels whose class is right, over all images"),
    "dice": _fraction("DSC, 2 TP / (2 TP + FP + FN), by class, the background too, and image"),
    **{
        f"boundary_f_{tolerance}px": _fraction(
            f"contour F of Perazzi et al. (DAVIS, 2016) at {tolerance} px, by class and image, "
            "without the images that have no contour of the class"
        )
        for tolerance in TOLERANCES_PX
    },
    **{
        f"boundary_f_davis_{tolerance}px": _fraction(
            f"the same at {tolerance} px with 1 where prediction and truth have no contour of the "
            "class, as DAVIS' toolkit, GSCNN and ABL Table 6 count it"
        )
        for tolerance in TOLERANCES_PX
    },
    "boundary_iou": _fraction(
        f"Cheng et al. (CVPR 2021), {BOUNDARY_IOU_RATIO:.0%} of the diagonal, over all images, "
        "mean over occurring classes"
    ),
    "mba": _fraction("mean boundary accuracy of CascadePSP (CVPR 2020), by image"),
    "ece": Metric(
        "min",
        "fraction",
        0,
        1,
        "expected calibration error of Guo et al. (ICML 2017), 15 bins, over all valid pixels",
    ),
    "brier": Metric(
        "min", "of 2", 0, 2, "squared error of all classes' probabilities, mean over valid pixels"
    ),
    **{
        f"trimap_miou_{side}_{width}px": _fraction(
            f"mIoU of the pixels {side} the band of {width} px about true edges (SEMEDA Figure 5)"
        )
        for side in ("inside", "outside")
        for width in TRIMAP_WIDTHS_PX
    },
    "hausdorff": _distance(
        LENGTH,
        f"as medpy and monai, by class and image; {_ONE_SIDED} without images that have none",
        SURFACE,
    ),
    "hd95": _distance(
        LENGTH,
        f"as medpy, both surfaces' distances pooled; else as Hausdorff; {_ONE_SIDED}",
        SURFACE,
    ),
    "assd": _distance(
        LENGTH, f"average symmetric surface distance, as medpy; {_ONE_SIDED}", SURFACE
    ),
    "surfaces_scored": Metric(
        "max",
        "pairs",
        0,
        inf,
        "pairs of image and class with two surfaces: those in Hausdorff that are no diagonal",
        (SURFACE,),
    ),
    "hole_area": Metric(
        "min",
        "fraction",
        0,
        1,
        "true pixels of a class within holes of its prediction, over all images (holes.py)",
        (HOLES,),
    ),
    "holes": Metric(
        "min", "per image", 0, inf, "holes that the truth has not, by class and image", (HOLES,)
    ),
    "islands": Metric(
        "min", "per image", 0, inf, "pieces that touch no true pixel, by class and image", (HOLES,)
    ),
    "dice_slice": _fraction(f"DSC of the foreground by slice, {_EMPTY_IS_ONE}", VOLUME),
    "dice_volume": _fraction(
        f"DSC of the foreground by volume, its slices pooled, {_EMPTY_IS_ONE} (ABL Table 8)", VOLUME
    ),
    "hausdorff_slice": _distance(
        "mm", f"Hausdorff of the foreground by slice, {_EMPTY_IS_ZERO}", SURFACE, VOLUME
    ),
    "hausdorff_volume": _distance(
        "mm", f"Hausdorff of the foreground by volume in 3-D, {_EMPTY_IS_ZERO}", SURFACE, VOLUME
    ),
    "hd95_volume": _distance(
        "mm", f"HD95 of the foreground by volume in 3-D, {_EMPTY_IS_ZERO}", SURFACE, VOLUME
    ),
    "davis_j": _fraction(
        f"DAVIS' J: IoU of the object by frame, {_EMPTY_IS_ONE}, mean over a film without its "
        "first and last frame, then over films (ABL Table 7)",
        FILM,
    ),
    "davis_f": _fraction(
        "DAVIS' F: contour F at 0.8 % of the diagonal, averaged as J (ABL Table 7)", FILM
    ),
    "davis_jf": _fraction("the mean of J and F, DAVIS' J&F", FILM),
    **{
        f"davis_{letter.lower()}_recall": _fraction(
            f"share of a film's frames with {letter} above 0.5, averaged over films", FILM
        )
        for letter in "JF"
    },
    **{
        f"davis_{letter.lower()}_decay": Metric(
            "min",
            "fraction",
            -1,
            1,
            f"mean {letter} of the first quarter of a film's frames less that of the last, "
            "averaged over films",
            (FILM,),
        )
        for letter in "JF"
    },
    "ods_f": _fraction("edge_detection.py: best F of one threshold for all images", "task/edge"),
    "depth_rmse": _distance("m", "root of the mean square over all pixels", "task/depth"),
    "normals_mean_angle": Metric(
        "min", "degree", 0, 180, "mean angle over all pixels", ("task/normals",)
    ),
    "saliency_miou": _fraction(
        "IoU of the salient region, mean over images, at the best threshold of 0.2, 0.25 .. 0.9 "
        "for all images (ASTMT)",
        "task/saliency",
    ),
    "parts_miou": _fraction(
        "mIoU of human parts and background over the images that show a part (ASTMT)", "task/parts"
    ),
    DELTA_M: Metric(
        "max",
        "fraction",
        -inf,
        inf,
        "mean over tasks of the gain relative to a network of this task alone (ASTMT)",
        (_CELLS,),
    ),
    "classes_scored": Metric("max", "classes", 0, inf, "classes that occur: those in mIoU's mean"),
    "contours_scored": Metric(
        "max", "pairs", 0, inf, "pairs of image and class with a contour: those in boundary F"
    ),
}
"""The metrics of an evaluation, in this order, each only where what it ``needs`` is there.

These are the names in the ledger and in MLflow; the test list's have ``test_`` before them.
"""

OF_TASK: dict[str, str] = {
    "semseg": "miou",
    "edge": "ods_f",
    "depth": "depth_rmse",
    "normals": "normals_mean_angle",
    "saliency": "saliency_miou",
    "parts": "parts_miou",
}
"""By task, the metric of its part in Delta_m (InverseForm's tables)."""
