"""Loss terms over a list: what training minimises, on images that it does not see.

Each image is measured by itself, so that no value depends on batches or ranks; a term is the sum of
the images' totals over the sum of their counts. A loss that is defined over a batch (Lovasz with
``lovasz_per_image=False``, generalised Dice) is that of batches of one image.

Shape letters: B images of a batch, N of the list, K classes, H rows, W columns, T terms.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.data.batch import Batch
from trainables.losses.term import LossTerm
from trainables.metrics.other_tasks.heads import CLASSES, Heads
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.batch_terms import are_finite, maps_of
from trainables.training.ranks import sum_over_ranks

Measure = Callable[[SegmenterOutput, Batch], Mapping[str, LossTerm]]


class ListTerms:
    """Adds up this rank's images; ``means`` then has those of all ranks."""

    def __init__(
        self, measure: Measure, names: Sequence[str], num_images: int, device: torch.device
    ) -> None:
        self._measure, self._names = measure, names
        shape = (num_images, len(names), 2)
        self._table_NT2 = torch.zeros(shape, dtype=torch.float64, device=device)

    def add(self, row: int, output: SegmenterOutput, batch: Batch) -> None:
        """Measure one image of the list."""
        if not are_finite(maps_of(output)):
            self._table_NT2[row] = torch.nan  # losses raise an error for such maps
            return
        terms = self._measure(output, batch)
        for place, name in enumerate(self._names):
            term = terms[name]
            self._table_NT2[row, place] = torch.stack((term.total.double(), term.count.double()))

    def means(self) -> dict[str, float]:
        """By ``val/NAME``, each term's value; NaN if no image has anything to measure."""
        # Each rank has zeros in the rows of the others' images.
        total_T2 = sum_over_ranks(self._table_NT2).sum(dim=0)
        values = (total_T2[:, 0] / total_T2[:, 1]).tolist()
        return {f"val/{name}": value for name, value in zip(self._names, values, strict=True)}


class ValidationTerms:
    """Measures terms on what an evaluation predicts anyway, where it predicts each image once,
    complete and at its own size; otherwise predicts again."""

    def __init__(
        self, forward: Callable[[Tensor], SegmenterOutput], terms: ListTerms, heads: Heads = CLASSES
    ) -> None:
        """``forward``: images (B,C,H,W) to the network's output."""
        self._forward, self._terms, self._heads = forward, terms, heads
        self._outputs: list[SegmenterOutput] = []

    def predict(self, images_BCHW: Tensor) -> Tensor:
        """The stack of all heads (B,M,H,W), for ``evaluate``: the logits, if it only segments."""
        self._outputs = [*self._outputs[:1], self._forward(images_BCHW)]
        output = self._outputs[-1]
        return self._heads.stack(output.logits_BKHW, output.tasks)

    def observe(self, rows_B: NDArray[np.int64], batch: Batch) -> None:
        """Measure these images of the list, which have just been predicted."""
        output, *more = self._outputs
        images, _, *size = output.logits_BKHW.shape
        if more or batch.labels_BHW.shape != (images, *size):
            output = self._forward(batch.images_BCHW)
        self._outputs = []
        for place, row in enumerate(rows_B.tolist()):
            alone = slice(place, place + 1)
            self._terms.add(row, _some(output, alone), _some_of_batch(batch, alone))


def _some(output: SegmenterOutput, images: slice) -> SegmenterOutput:
    """What the network predicts for some of the images, in evaluation."""
    boundary_BHW = output.boundary_logits_BHW
    return SegmenterOutput(
        output.logits_BKHW[images],
        None if boundary_BHW is None else boundary_BHW[images],
        tasks=_sliced(output.tasks, images),
    )


def _some_of_batch(batch: Batch, images: slice) -> Batch:
    targets = _sliced(batch.targets, images)
    return Batch(batch.images_BCHW[images], batch.labels_BHW[images], targets)


def _sliced(maps: Mapping[TaskName, Tensor], images: slice) -> dict[TaskName, Tensor]:
    return {task: map_[images] for task, map_ in maps.items()}
