"""Metrics of a network over a complete list; each image is evaluated once, on one rank.

Shape letters: B images, C colours, K classes, H rows, W columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import EvalConfig
from trainables.config.evaluation import EvaluationProtocol
from trainables.data.batch import Batch
from trainables.data.batches import evaluation_batches
from trainables.data.dataset import ImageList
from trainables.metrics import counts_file
from trainables.metrics.inference import PLAIN, scores
from trainables.metrics.other_tasks.counts import Tables, task_metrics
from trainables.metrics.per_image import ImageCounts
from trainables.metrics.plugin_metric import Counts
from trainables.metrics.summaries import summarize
from trainables.refinement.refine import Refine
from trainables.training.class_counts import ClassCounts
from trainables.training.first_predictions import FirstPredictions
from trainables.training.plugin_counts import scores as plugin_scores
from trainables.training.predictions import TaskMaps
from trainables.training.ranks import num_ranks, rank
from trainables.training.task_counts import TaskCounts

_USUAL = EvalConfig()
Batches = Callable[..., Iterator[tuple[NDArray[np.int64], Batch]]]


@dataclass(frozen=True)
class Evaluation:
    """Metrics over a complete list, and the predictions of its first images to look at."""

    metrics: dict[str, float]
    loss: float
    """Cross-entropy in nats per valid pixel, whatever the network was trained with; NaN if no pixel
    is valid, or a prediction is not finite, or nothing segments."""
    counts: ImageCounts
    """Zeros where nothing segments."""
    confusion_KK: Tensor
    """int64: valid pixels by their true class (rows) and their predicted one (columns)."""
    predictions: tuple[NDArray[np.uint8], ...]
    """Labels (H,W) of each; none where nothing segments."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """By ``val/NAME``, the loss terms that were measured."""
    plugin_counts: Mapping[str, Counts] = field(default_factory=dict)
    """By metric of the plug-in, float64 (N,C): what each image counts."""
    task_counts: Tables = field(default_factory=dict)
    """By task besides the segmentation, what each image counts."""
    task_predictions: TaskMaps = field(default_factory=dict)
    segments: bool = True
    """Whether the network segments."""

    @property
    def losses(self) -> dict[str, float]:
        """The cross-entropy where anything segments, and the terms."""
        return {**({"val/loss": self.loss} if self.segments else {}), **self.terms}


def packed(found: Evaluation, names: Sequence[str]) -> bytes:
    """The content of a counts file of a list whose images have these names."""
    return counts_file.pack(
        found.counts, list(names), found.confusion_KK, found.plugin_counts, found.task_counts
    )


@torch.no_grad()
def evaluate(
    predict: Callable[[Tensor], Tensor],
    images: ImageList,
    num_classes: int,
    batch: int,
    device: torch.device,
    how: EvaluationProtocol = PLAIN,
    config: EvalConfig = _USUAL,
    observe: Callable[[NDArray[np.int64], Batch], None] | None = None,
    batches: Batches = evaluation_batches,
    tasks: TaskCounts | None = None,
    refine: Refine | None = None,
) -> Evaluation:
    """Evaluate a list on all ranks; every rank gets the metrics of all images.

    Args:
        predict: images (B,C,H,W), as ``Batch`` says, on the CPU -> logits (B,K,H,W) on the
            device; with ``tasks``, the stack of all its heads.
        images: the list.
        num_classes: K.
        batch: images per forward pass, if they are predicted once and complete; else it is one.
        device: where predictions are counted.
        how: scales, mirroring and windows.
        config: what is measured.
        observe: receives the rows and the batch, on the device, after its prediction.
        batches: makes rows and batches of the list, as ``evaluation_batches`` does.
        tasks: counts all tasks of the network, new for this list; None: it only segments.
        refine: corrects the segmentation's logits of complete images before they are counted.
    """
    counted = tasks or TaskCounts(len(images), {"semseg": num_classes}, 0, device)
    classes = ClassCounts(images, num_classes, device, config)
    further = counted.heads.channels
    first = FirstPredictions(images, further, device, segments=counted.segments)
    batch = batch if how.is_plain else 1
    for rows, made in batches(images, batch=batch, rank=rank(), ranks=num_ranks()):
        on_device = made.to(device)
        images_BCHW, labels_BHW, targets = on_device
        maps_BMHW = scores(predict, images_BCHW, how, counted.heads, images.inputs)
        logits_BKHW, values = counted.heads.split(maps_BMHW)
        if refine is not None:
            logits_BKHW = refine(images_BCHW, logits_BKHW)
        if counted.segments:
            classes.add(rows, logits_BKHW, labels_BHW)
        counted.add(rows, values, targets)
        if observe is not None:
            observe(rows, on_device)
        first.add(rows, logits_BKHW, values)
    found, tables = classes.total(), counted.total()
    of_classes = summarize(found.counts) | plugin_scores(found.plugin_counts)
    return Evaluation(
        metrics=(of_classes if counted.segments else {}) | task_metrics(tables),
        loss=found.loss,
        segments=counted.segments,
        counts=found.counts,
        confusion_KK=found.confusion_KK,
        predictions=first.labels(),
        plugin_counts=found.plugin_counts,
        task_counts=tables,
        task_predictions=first.tasks(),
    )
