"""The counts of a complete list, put together from the ranks that each counted a share of it.

Shape letters: N images of the list, B of a batch, K classes, D slices, H rows, W columns.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import EvalConfig
from trainables.data.dataset import ImageList
from trainables.metrics import per_image
from trainables.metrics.calibration import calibration_counts
from trainables.metrics.per_image import ImageCounts
from trainables.training.ranks import num_ranks, rank, sum_over_ranks


class ListCounts:
    """Counts this rank's images one batch after the other; ``total`` then has those of all ranks.

    Distances of volumes need all slices of a volume at once, which ranks share: so this rank's
    predictions of a list of volumes stay in memory, one byte a pixel, if distances are measured.
    """

    def __init__(
        self, images: ImageList, num_classes: int, device: torch.device, config: EvalConfig
    ) -> None:
        self._images, self._num_classes, self._device = images, num_classes, device
        self._config = config
        self._table = per_image.empty(len(images), num_classes, device)
        self._slices: dict[int, NDArray[np.uint8]] = {}
        self._numbers = images.series_numbers
        self._of_volumes = config.surface and images.series == "volume"

    def add(self, rows_B: NDArray[np.int64], predicted_BHW: Tensor, labels_BHW: Tensor) -> None:
        """Count these images of the list, in ``per_image.count``'s terms."""
        counts = per_image.count(
            predicted_BHW,
            labels_BHW,
            self._num_classes,
            self._spacing(rows_B),
            with_holes=self._config.holes,
            film=self._images.series == "film",
        )
        places_B = torch.from_numpy(rows_B).to(self._device)
        for table_N, part_B in zip(self._table, counts, strict=True):
            table_N[places_B] = part_B
        if self._numbers is not None:
            of_rows = [[self._numbers[row] + 1] for row in rows_B.tolist()]
            self._table.series_N1[places_B] = torch.tensor(of_rows, device=self._device)
        if self._of_volumes:
            slices = predicted_BHW.cpu().numpy().astype(np.uint8)
            self._slices |= dict(zip(rows_B.tolist(), slices, strict=True))

    def add_scores(
        self, rows_B: NDArray[np.int64], logits_BKHW: Tensor, labels_BHW: Tensor
    ) -> None:
        """Count the probabilities of these images."""
        places_B = torch.from_numpy(rows_B).to(self._device)
        self._table.calibration_NC[places_B] = calibration_counts(logits_BKHW, labels_BHW)

    def _spacing(self, rows_B: NDArray[np.int64]) -> per_image.Spacing | None:
        """Size of a pixel in mm, or 1 px; None if no distances are measured."""
        if not self._config.surface:
            return None
        spacing_mm = self._images.spacing_mm
        return (1.0, 1.0) if spacing_mm is None else spacing_mm[rows_B, :2]

    def total(self) -> ImageCounts:
        """The counts of the complete list. All ranks must make this call."""
        if self._of_volumes:
            self._measure_volumes()
        # Each rank has zeros in the rows of the others' images, so a sum puts the table together.
        return ImageCounts(*map(sum_over_ranks, self._table))

    def _measure_volumes(self) -> None:
        """Fill ``volume_NK3``; each volume is measured on one rank."""
        numbers = np.array(self._numbers)
        for volume in range(int(numbers.max(initial=-1)) + 1):
            rows_D = (numbers == volume).nonzero()[0]
            labels = [np.asarray(self._images.labels_NHW[row]) for row in rows_D]
            labels_DHW = torch.from_numpy(np.stack(labels))
            predicted_DHW = self._predicted(rows_D, labels_DHW)
            if volume % num_ranks() == rank():
                self._table.volume_NK3[int(rows_D[0])] = per_image.whole_distances(
                    predicted_DHW,
                    labels_DHW,
                    self._num_classes,
                    self._volume_mm(int(rows_D[0])),
                ).to(self._device)

    def _predicted(self, rows_D: NDArray[np.int64], labels_DHW: Tensor) -> Tensor:
        """uint8 (D,H,W) on the CPU: the predicted slices, from all ranks."""
        predicted_DHW = torch.zeros_like(labels_DHW)
        for place, row in enumerate(rows_D.tolist()):
            if row in self._slices:
                predicted_DHW[place] = torch.from_numpy(self._slices.pop(row))
        return sum_over_ranks(predicted_DHW.to(self._device)).cpu()

    def _volume_mm(self, row: int) -> tuple[float, ...]:
        """Distance between slices, between rows, between columns."""
        assert self._images.spacing_mm is not None, "volumes have a spacing"
        down_mm, across_mm, between_mm = self._images.spacing_mm[row].tolist()
        return between_mm, down_mm, across_mm
