"""Same class neighbour penalisation (SCNP, CVPR 2026, arXiv 2603.18671).

Cross-entropy and Dice see, at each pixel, the worst logits of its neighbourhood.
Shape letters: B images, K classes, H rows, W columns.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, one_hot
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.class_sums import own_place
from trainables.losses.overlap import dice_loss
from trainables.losses.term import LossTerm, of_no_image


def scnp(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    size: int = 3,
    variant: Variant = "paper",
) -> LossTerm:
    """Cross-entropy plus Dice, of the logits that ``worst_neighbours`` makes of these.

    "paper" adds, in each image, the mean cross-entropy of its valid pixels, in nats, and the mean
    of 1 - Dice over its classes. "released" has -Dice, over all classes and with 1e-5 added to both
    of its sums.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        size: side of the neighbourhood in pixels, odd; 3 in the paper.

    Returns:
        The sum over images with a valid pixel, and their number.
    """
    check_inputs(logits_BKHW, labels_BHW)
    logits_BKHW = full_precision(logits_BKHW)
    if labels_BHW.numel() == 0:
        return of_no_image(logits_BKHW)
    worst_BKHW = worst_neighbours(logits_BKHW, labels_BHW, size=size)
    nats_BHW = F.cross_entropy(worst_BKHW, labels_BHW, ignore_index=VOID, reduction="none")
    valid_B = (labels_BHW != VOID).flatten(1).sum(dim=1)
    image_B = nats_BHW.flatten(1).sum(dim=1) / valid_B.clamp(min=1)
    overlap = dice_loss(worst_BKHW, labels_BHW, variant=variant)
    total = image_B.sum() + overlap.total
    if variant == "released":  # -Dice
        total = total - overlap.count
    return LossTerm(total, (valid_B > 0).sum())


def worst_neighbours(logits_BKHW: Tensor, labels_BHW: Tensor, *, size: int = 3) -> Tensor:
    """(B,K,H,W): at each pixel, the least logit of its class among neighbours of that class, and
    for other classes the largest logit among neighbours that are not of that class.

    A pixel is its own neighbour. Void pixels, and the outside, are nobody's; their own logits
    become 0.

    Raises:
        ValueError: ``size`` is not an odd number >= 1.
    """
    require(size >= 1 and size % 2 == 1, "size", "an odd number >= 1", size)
    true_BKHW = one_hot(labels_BHW, logits_BKHW.shape[1])
    valid_B1HW = (labels_BHW != VOID).unsqueeze(1)
    others_BKHW = logits_BKHW.masked_fill(true_BKHW | ~valid_B1HW, -torch.inf)
    largest_BKHW = F.max_pool2d(others_BKHW, size, 1, size // 2)
    own_B1HW = logits_BKHW.gather(1, own_place(labels_BHW))
    least_B1HW = _least_of_own_class(own_B1HW, labels_BHW.unsqueeze(1), size // 2)
    worst_BKHW = torch.where(true_BKHW, least_B1HW, largest_BKHW)
    return worst_BKHW.masked_fill(~valid_B1HW, 0)


def _least_of_own_class(own_B1HW: Tensor, labels_B1HW: Tensor, reach: int) -> Tensor:
    """(B,1,H,W): the least of the logits of true classes among neighbours of a pixel's class."""
    rows, columns = own_B1HW.shape[2:]
    around = (reach, reach, reach, reach)
    padded_B1HW = F.pad(own_B1HW, around, value=torch.inf)
    padded_labels_B1HW = F.pad(labels_B1HW, around, value=VOID)
    least_B1HW = own_B1HW
    for down in range(2 * reach + 1):
        for right in range(2 * reach + 1):
            window = (
                slice(None),
                slice(None),
                slice(down, down + rows),
                slice(right, right + columns),
            )
            same_B1HW = padded_labels_B1HW[window] == labels_B1HW
            near_B1HW = torch.where(same_B1HW, padded_B1HW[window], torch.inf)
            least_B1HW = torch.minimum(least_B1HW, near_B1HW)
    return least_B1HW
