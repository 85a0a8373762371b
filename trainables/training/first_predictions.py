"""What is predicted for a list's first images, to look at, whichever rank has them.

Shape letters: B images, C channels, H rows, W columns.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.data.dataset import ImageList
from trainables.training.predictions import TaskMaps, as_stored
from trainables.training.ranks import sum_over_ranks

PICTURES = 4
"""How many images' predictions are saved with a checkpoint."""


class FirstPredictions:
    """The classes of the first images, and the values of their further tasks."""

    def __init__(
        self,
        images: ImageList,
        channels: Mapping[TaskName, int],
        device: torch.device,
        *,
        segments: bool,
    ) -> None:
        """``channels``: of each further task."""
        sizes = [(int(rows), int(columns)) for rows, columns in images.sizes_N2[:PICTURES]]
        self._labels = [
            torch.zeros(size, dtype=torch.int64, device=device) for size in sizes if segments
        ]
        self._tasks = {
            task: [torch.zeros(number, *size, device=device) for size in sizes]
            for task, number in channels.items()
        }

    def add(
        self, rows_B: NDArray[np.int64], logits_BKHW: Tensor, values: Mapping[TaskName, Tensor]
    ) -> None:
        """Store the first images of the list among these."""
        for place, row in enumerate(rows_B.tolist()):
            if row < len(self._labels):
                self._labels[row] = logits_BKHW[place].argmax(dim=0)
            for task, maps in self._tasks.items():
                if row < len(maps):
                    maps[row] = values[task][place]

    def labels(self) -> tuple[NDArray[np.uint8], ...]:
        """(H,W) of each, of all ranks: each has zeros for the images of the others."""
        maps = (sum_over_ranks(map_HW.contiguous()) for map_HW in self._labels)
        return tuple(map_HW.cpu().numpy().astype(np.uint8) for map_HW in maps)

    def tasks(self) -> TaskMaps:
        """By further task, each image's map as it is stored. All ranks must make this call."""
        return {
            task: tuple(
                as_stored(task, sum_over_ranks(map_CHW.contiguous()).cpu().numpy())
                for map_CHW in maps
            )
            for task, maps in self._tasks.items()
        }
