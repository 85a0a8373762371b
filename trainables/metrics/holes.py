"""Holes in predicted regions, and predicted islands, that the truth has not (SEMEDA, section 4.4).

SEMEDA says that its loss "avoids holes" and gives no measure; this one is ours. A hole of a class
is a piece of what is not of the class, connected by edges, that does not reach the end of the
image. It counts where the truth is of the class: it is what the network left out of an object
although it found all around. An island is a piece of the class, connected by edges and corners,
that holds no pixel of the class in the truth. Void pixels pass for the class when holes are looked
for, so that void makes none, and are never counted.

Shape letters: N images, K classes, H rows, W columns.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from trainables.geometry.boundaries import VOID

_CORNERS = np.ones((3, 3), dtype=bool)
"""Pieces are connected by edges and corners; without it, by edges alone."""


def hole_counts(predicted_NHW: Tensor, labels_NHW: Tensor, num_classes: int) -> Tensor:
    """int64 (N,K,3): true pixels within holes, holes that hold one, and islands.

    Args:
        predicted_NHW: integers 0..K-1, and 255 where the labels are void.
        labels_NHW: integers 0..K-1, and 255 for void.
        num_classes: K.
    """
    table_NK3 = torch.zeros((len(labels_NHW), num_classes, 3), dtype=torch.int64)
    maps = zip(predicted_NHW.cpu().numpy(), labels_NHW.cpu().numpy(), strict=True)
    for image, (predicted_HW, labels_HW) in enumerate(maps):
        for cls in np.unique(predicted_HW[predicted_HW != VOID]).tolist():
            counts = _of_class(predicted_HW == cls, labels_HW == cls, labels_HW == VOID)
            table_NK3[image, cls] = torch.tensor(counts)
    return table_NK3.to(labels_NHW.device)


def holes_of_class(
    predicted_HW: NDArray[np.bool_], true_HW: NDArray[np.bool_], void_HW: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """(H,W): the number of its hole for each true pixel within one; 0 elsewhere.

    Args:
        predicted_HW: where the class is predicted.
        true_HW: where it is true.
        void_HW: where the truth is unknown.
    """
    pieces_HW, _ = ndimage.label(~(predicted_HW | void_HW))
    outside = np.unique(np.concatenate([pieces_HW[[0, -1]].ravel(), pieces_HW[:, [0, -1]].ravel()]))
    found_HW: NDArray[np.int32] = np.where(true_HW & ~np.isin(pieces_HW, outside), pieces_HW, 0)
    return found_HW


def _of_class(
    predicted_HW: NDArray[np.bool_], true_HW: NDArray[np.bool_], void_HW: NDArray[np.bool_]
) -> tuple[int, int, int]:
    holes_HW = holes_of_class(predicted_HW, true_HW, void_HW)
    left_out = holes_HW[holes_HW > 0]
    islands_HW, islands = ndimage.label(predicted_HW, structure=_CORNERS)
    touching = np.unique(islands_HW[true_HW & predicted_HW])
    return left_out.size, np.unique(left_out).size, islands - touching.size
