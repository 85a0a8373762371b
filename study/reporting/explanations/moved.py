"""Predictions made of true classes, for explanations that need no network.

Shape letters: H rows, W columns, K classes.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from trainables.geometry.boundaries import VOID

SHIFT_PX = 3
SURE = 0.95
"""Probability of the predicted class; the others share the rest."""
_SOFT_PX = 3
"""Side of the box that softens scores, so that a boundary has a slope."""


def moved(labels_HW: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """The classes, moved down and right; the image's edge is repeated, and void is ``filled``."""
    rows, columns = labels_HW.shape
    around = ((pixels, 0), (pixels, 0))
    wide_HW: NDArray[np.uint8] = np.pad(filled(labels_HW), around, mode="edge")
    return wide_HW[:rows, :columns]


def filled(labels_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The classes, void pixels taking that of the nearest valid one; all void becomes class 0."""
    void_HW = labels_HW == VOID
    if void_HW.all():
        return np.zeros_like(labels_HW)
    nearest = ndimage.distance_transform_edt(void_HW, return_distances=False, return_indices=True)
    classes_HW: NDArray[np.uint8] = labels_HW[tuple(nearest)]
    return classes_HW


def scores_of(classes_HW: NDArray[np.uint8], num_classes: int) -> Tensor:
    """Logits (1,K,H,W) of a prediction that is 95 % sure of these classes, softened by 3 px."""
    prob_1KHW = probabilities(classes_HW, num_classes)
    wide_1KHW = F.pad(prob_1KHW, (_SOFT_PX // 2,) * 4, mode="replicate")
    return F.avg_pool2d(wide_1KHW, _SOFT_PX, stride=1).log()


def probabilities(classes_HW: NDArray[np.uint8], num_classes: int) -> Tensor:
    """(1,K,H,W): 95 % for these classes, the rest equally for the others."""
    classes_1HW = torch.from_numpy(classes_HW.astype(np.int64))[None]
    hot_1KHW = F.one_hot(classes_1HW, num_classes).permute(0, 3, 1, 2).float()
    others = (1 - SURE) / max(num_classes - 1, 1)
    return hot_1KHW * (SURE - others) + others
