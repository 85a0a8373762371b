"""Metrics of a network over a whole list, each image on one rank, each once.

Shape letters: B images, C colours, K classes, H rows, W columns, P pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data.batches import evaluation_batches
from trainables.data.dataset import ImageList
from trainables.metrics import per_image
from trainables.metrics.per_image import ImageCounts
from trainables.training.ranks import num_ranks, rank, sum_over_ranks

PICTURES = 4
"""Images of the validation list whose predictions are kept with a checkpoint."""


@dataclass(frozen=True)
class Evaluation:
    """Metrics over a whole list, and the first few predictions for a person to look at."""

    metrics: dict[str, float]
    counts: ImageCounts
    predictions_PHW: NDArray[np.uint8]


@torch.no_grad()
def evaluate(
    predict: Callable[[Tensor], Tensor],
    images: ImageList,
    num_classes: int,
    batch: int,
    device: torch.device,
) -> Evaluation:
    """Every rank makes this call and gets the metrics of all images.

    Args:
        predict: images (B,C,H,W) in [0,1] on the CPU -> logits (B,K,H,W) on the device.
        images: the list.
        num_classes: K.
        batch: images at a time.
        device: where the counts are taken.
    """
    table = per_image.empty(len(images), num_classes, device)
    pictures = min(PICTURES, len(images))
    predictions_PHW = torch.zeros(
        (pictures, *images.labels_NHW.shape[1:]), dtype=torch.int64, device=device
    )
    for rows, images_BCHW, labels_BHW in evaluation_batches(
        images, batch=batch, rank=rank(), ranks=num_ranks()
    ):
        predicted_BHW = predict(images_BCHW).argmax(dim=1)
        counts = per_image.count(predicted_BHW, labels_BHW.to(device), num_classes)
        for whole, part in zip(table, counts, strict=True):
            whole[torch.from_numpy(rows).to(device)] = part
        for row, predicted_HW in zip(rows, predicted_BHW, strict=True):
            if row < pictures:
                predictions_PHW[row] = predicted_HW
    # Each rank has zeros in the rows of the others' images, so a sum puts the table together.
    counts = ImageCounts(*map(sum_over_ranks, table))
    predictions = sum_over_ranks(predictions_PHW).cpu().numpy().astype(np.uint8)
    return Evaluation(per_image.summarize(counts), counts, predictions)
