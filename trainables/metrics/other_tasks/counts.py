"""What each image counts of each task besides the segmentation, and the metrics of those counts.

A table has a row per image and is additive over images, so that ranks add up exactly.

Shape letters: B images, N images of a list, C channels, P parts, S thresholds, H rows, W columns.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.geometry.boundaries import VOID
from trainables.metrics.catalog import OF_TASK
from trainables.metrics.other_tasks import edge_detection, tasks
from trainables.metrics.overlap import zone_overlap

Tables = Mapping[TaskName, Tensor]
"""By task, a row per image: see ``count``."""
NO_TABLES: Tables = MappingProxyType({})
_SALIENCY = len(tasks.SALIENCY_THRESHOLDS)


def shape_of(task: TaskName, channels: int, edge_thresholds: int) -> tuple[int, ...]:
    """Of an image's row in the task's table, for a head with these channels."""
    shapes: dict[TaskName, tuple[int, ...]] = {
        "edge": (edge_thresholds, 4),
        "depth": (2,),
        "normals": (2,),
        "saliency": (_SALIENCY, 3),
        "parts": (channels, 3),
    }
    return shapes[task]


def type_of(task: TaskName) -> torch.dtype:
    """Errors of depth and normals are sums of real numbers, the others are numbers of pixels."""
    return torch.float64 if task in ("depth", "normals") else torch.int64


def count(task: TaskName, values_BCHW: Tensor, target_B: Tensor, edge_thresholds: int) -> Tensor:
    """The rows (B,...) of these images in the task's table.

    Args:
        values_BCHW: the head's ``Heads.values``.
        target_B: (B,H,W), of normals (B,3,H,W), as ``data/targets.py`` says.
        edge_thresholds: S.

    Returns:
        ``edge``: int64 (B,S,4), as ``edge_counts``; ``depth``: float64 (B,2), the sum of squared
        errors and the valid pixels; ``normals``: float64 (B,2), the sum of angles and the valid
        pixels; ``saliency``: int64 (B,15,3), and ``parts``: int64 (B,P,3), overlaps.
    """
    if task == "normals":
        return tasks.normals_totals(values_BCHW, target_B, target_B.bool().any(dim=1))
    if task == "parts":
        return _parts(values_BCHW, target_B)
    value_BHW = values_BCHW.squeeze(1)
    if task == "depth":
        return tasks.depth_totals(value_BHW, target_B, target_B > 0)
    if task == "saliency":
        return tasks.saliency_overlap(value_BHW, target_B == 1, target_B != VOID)
    pairs = zip(value_BHW, target_B, strict=True)
    return torch.stack([_edges(value, true, edge_thresholds) for value, true in pairs])


def _edges(prob_HW: Tensor, true_HW: Tensor, edge_thresholds: int) -> Tensor:
    """No edge is predicted where it is unknown whether there is one."""
    known_HW = prob_HW.masked_fill(true_HW == VOID, 0)
    counts_S4 = edge_detection.edge_counts(known_HW, true_HW == 1, num_thresholds=edge_thresholds)
    return counts_S4.to(prob_HW.device)


def _parts(prob_BPHW: Tensor, true_BHW: Tensor) -> Tensor:
    one_zone_BHW = torch.zeros_like(true_BHW, dtype=torch.int64)
    predicted_BHW, number = prob_BPHW.argmax(dim=1), prob_BPHW.shape[1]
    return zone_overlap(predicted_BHW, true_BHW.long(), one_zone_BHW, 1, number)[:, 0]


def _ods_f(table_NS4: Tensor) -> float:
    return edge_detection.ods_f(table_NS4.sum(dim=0)).f


_SCORES: Mapping[TaskName, Callable[[Tensor], float]] = {
    "edge": _ods_f,
    "depth": tasks.depth_rmse,
    "normals": tasks.normals_mean_angle,
    "saliency": tasks.saliency_miou,
    "parts": tasks.parts_miou,
}


def task_metrics(tables: Tables) -> dict[str, float]:
    """Each task's metric over a complete list, by its name in the catalog; NaN if no image has
    anything to score."""
    return {OF_TASK[task]: _SCORES[task](table.cpu()) for task, table in tables.items()}
