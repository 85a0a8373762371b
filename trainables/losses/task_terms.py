"""The loss of each task beside the segmentation, from the map of its head and the true map.

Shape letters: B images, C channels of a head, P human parts, H rows, W columns, M sets of maps.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from trainables.config.tasks import TaskConfig, TaskName
from trainables.geometry.boundaries import VOID
from trainables.losses.boundary_cross_entropy import (
    boundary_cross_entropy,
    fixed_balance_cross_entropy,
)
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.depth import depth_berhu, depth_l1, largest_error
from trainables.losses.normals import normals_cosine, normals_l1
from trainables.losses.term import LossTerm

Maps = Mapping[TaskName, Tensor]
"""By task, the maps of the heads, or the true ones."""


def task_term(
    config: TaskConfig,
    task: TaskName,
    predicted_BCHW: Tensor,
    true: Tensor,
    largest: Tensor | None = None,
) -> LossTerm:
    """The loss of one task, other than ``semseg``.

    ``edge``: cross-entropy with a fixed balance, over all pixels (MTI-Net, ASTMT). ``saliency``:
    cross-entropy balanced within each image, or with ``task/variant=released`` within the batch.
    ``parts``: cross-entropy over the pixels with a label. ``depth`` and ``normals``: as
    ``task/depth_loss`` and ``task/normals_loss`` say.

    Args:
        config: the section ``task``.
        task: its name.
        predicted_BCHW: float, as ``SegmenterOutput.tasks`` has it.
        true: (B,H,W), normals (B,3,H,W), with missing values as ``data/targets.py`` says.
        largest: of ``berhu``, the largest error in metres over all ranks; None: of these images.
    """
    match task:
        case "edge":
            return fixed_balance_cross_entropy(
                predicted_BCHW[:, 0],
                true == 1,
                true != VOID,
                positive_weight=config.edge_balance,
                variant=config.variant,
            )
        case "saliency":
            given = predicted_BCHW[:, 0], true == 1, true != VOID
            return boundary_cross_entropy(*given, variant=config.variant)
        case "depth":
            depth_BHW, valid_BHW = predicted_BCHW[:, 0], true > 0
            if config.depth_loss == "berhu":
                return depth_berhu(depth_BHW, true, valid_BHW, largest=largest)
            return depth_l1(depth_BHW, true, valid_BHW)
        case "normals":
            loss = normals_cosine if config.normals_loss == "cosine" else normals_l1
            return loss(predicted_BCHW, true, (true != 0).any(dim=1))
        case _:
            return cross_entropy(predicted_BCHW, true.long())


def berhu_errors(config: TaskConfig, predicted: Sequence[Maps], targets: Maps) -> Tensor | None:
    """(M,): by set of predicted maps, the largest error of its depth in metres; None without
    ``berhu``. Over all ranks they belong into ``task_term``."""
    if config.depth_loss != "berhu" or not any("depth" in maps for maps in predicted):
        return None
    true_BHW = targets["depth"]
    none = true_BHW.new_zeros(())
    return torch.stack(
        [
            largest_error(maps["depth"][:, 0], true_BHW, true_BHW > 0) if "depth" in maps else none
            for maps in predicted
        ]
    )
