"""Everything that the segmentation of a complete list counts, put together from the ranks.

Shape letters: B images, N images of the list, K classes, H rows, W columns.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import EvalConfig
from trainables.data.dataset import ImageList
from trainables.losses.cross_entropy import nats_per_image
from trainables.metrics.overlap import confusion
from trainables.metrics.per_image import ImageCounts
from trainables.metrics.plugin_metric import Counts
from trainables.training.list_counts import ListCounts
from trainables.training.plugin_counts import PluginCounts
from trainables.training.ranks import sum_over_ranks


class Classes(NamedTuple):
    """The counts of a list; zeros where nothing segments."""

    counts: ImageCounts
    plugin_counts: dict[str, Counts]
    confusion_KK: Tensor
    """int64, on the CPU."""
    loss: float
    """Cross-entropy in nats per valid pixel."""


class ClassCounts:
    """Counts this rank's images; ``total`` then has those of all ranks."""

    def __init__(
        self, images: ImageList, num_classes: int, device: torch.device, config: EvalConfig
    ) -> None:
        self._num_classes, self._device = num_classes, device
        self._table = ListCounts(images, num_classes, device, config)
        self._own = PluginCounts(len(images), num_classes, device)
        self._nats_N = torch.zeros(len(images), dtype=torch.float64, device=device)
        self._confusion_KK = torch.zeros(
            (num_classes, num_classes), dtype=torch.int64, device=device
        )

    def add(self, rows_B: NDArray[np.int64], logits_BKHW: Tensor, labels_BHW: Tensor) -> None:
        """Count these images of the list."""
        predicted_BHW = logits_BKHW.argmax(dim=1)
        self._table.add(rows_B, predicted_BHW, labels_BHW)
        self._table.add_scores(rows_B, logits_BKHW, labels_BHW)
        self._own.add(rows_B, predicted_BHW, labels_BHW)
        places_B = torch.from_numpy(rows_B).to(self._device)
        self._nats_N[places_B] = nats_per_image(logits_BKHW, labels_BHW)
        self._confusion_KK += confusion(predicted_BHW, labels_BHW, self._num_classes)

    def total(self) -> Classes:
        """The counts of the complete list. All ranks must make this call."""
        counts, own = self._table.total(), self._own.total()
        confusion_KK = sum_over_ranks(self._confusion_KK).cpu()
        pixels = int(confusion_KK.sum()) or float("nan")
        loss = float(sum_over_ranks(self._nats_N).sum()) / pixels
        return Classes(counts, own, confusion_KK, loss)
