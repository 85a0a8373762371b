"""The counts of a plug-in's metrics over a complete list, put together from the ranks.

Shape letters: N images of the list, B of a batch, C counts, H rows, W columns.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.metrics.plugin_metric import PLUGIN_METRICS, Counts
from trainables.training.ranks import sum_over_ranks


class PluginCounts:
    """Counts this rank's images; ``total`` then has those of all ranks, by metric."""

    def __init__(self, num_images: int, num_classes: int, device: torch.device) -> None:
        self._num_classes, self._device = num_classes, device
        self._tables = {
            name: np.zeros((num_images, metric.width(num_classes)))
            for name, metric in PLUGIN_METRICS.items()
        }

    def add(self, rows_B: NDArray[np.int64], predicted_BHW: Tensor, labels_BHW: Tensor) -> None:
        """Count these images of the list; predictions 0..K-1, labels 0..K-1 and 255 for void."""
        if not self._tables:
            return
        maps = predicted_BHW.cpu().numpy(), labels_BHW.cpu().numpy()
        for row, predicted_HW, labels_HW in zip(rows_B, *maps, strict=True):
            for name, table_NC in self._tables.items():
                metric = PLUGIN_METRICS[name]
                counts_C = metric.counts_of(predicted_HW, labels_HW, self._num_classes)
                if len(counts_C) != table_NC.shape[1]:
                    raise ValueError(
                        f"count of {name} must have as many numbers for each image, "
                        f"{table_NC.shape[1]}, got {len(counts_C)}"
                    )
                table_NC[row] = counts_C

    def total(self) -> dict[str, Counts]:
        """float64 (N,C) by metric. All ranks must make this call."""
        # Each rank has zeros in the rows of the others' images, so the sum is exact.
        return {
            name: sum_over_ranks(torch.from_numpy(table_NC).to(self._device)).cpu().numpy()
            for name, table_NC in self._tables.items()
        }


def scores(counts: Mapping[str, Counts]) -> dict[str, float]:
    """Each metric of a complete list; NaN if there is nothing to score."""
    return {
        name: PLUGIN_METRICS[name].score_of(counts_NC.sum(axis=0))
        for name, counts_NC in counts.items()
    }
