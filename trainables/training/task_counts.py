"""The counts of the tasks besides the segmentation over a complete list, put together from ranks.

Shape letters: N images of the list, B of a batch, C channels, H rows, W columns.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.metrics.other_tasks import counts
from trainables.metrics.other_tasks.heads import Heads
from trainables.training.ranks import sum_over_ranks


class TaskCounts:
    """Counts this rank's images; ``total`` then has those of all ranks, by task."""

    def __init__(
        self,
        num_images: int,
        channels: Mapping[TaskName, int],
        edge_thresholds: int,
        device: torch.device,
    ) -> None:
        """``channels``: of the heads of all tasks; ``edge_thresholds`` 0: edges are not counted."""
        self.segments = "semseg" in channels
        self.heads = Heads({task: number for task, number in channels.items() if task != "semseg"})
        self._edge_thresholds = edge_thresholds
        self._tables = {
            task: torch.zeros(
                (num_images, *counts.shape_of(task, number, edge_thresholds)),
                dtype=counts.type_of(task),
                device=device,
            )
            for task, number in self.heads.channels.items()
            if edge_thresholds or task != "edge"
        }

    def add(
        self,
        rows_B: NDArray[np.int64],
        values: Mapping[TaskName, Tensor],
        targets: Mapping[TaskName, Tensor],
    ) -> None:
        """Count these images of the list: by task, its head's ``values`` (B,C,H,W) and target."""
        for task, table_N in self._tables.items():
            places_B = torch.from_numpy(rows_B).to(table_N.device)
            target_B = targets[task].to(table_N.device)
            table_N[places_B] = counts.count(task, values[task], target_B, self._edge_thresholds)

    def total(self) -> dict[TaskName, Tensor]:
        """The tables of the complete list, on the CPU. All ranks must make this call."""
        # Each rank has zeros in the rows of the others' images, so the sum is exact.
        return {task: sum_over_ranks(table_N).cpu() for task, table_N in self._tables.items()}
