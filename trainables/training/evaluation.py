"""Metrics of a network over a complete list; each image is evaluated once, on one rank.

Shape letters: B images, C colours, K classes, H rows, W columns.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import EvalConfig
from trainables.config.evaluation import EvaluationProtocol
from trainables.data.batches import evaluation_batches
from trainables.data.dataset import ImageList
from trainables.losses.cross_entropy import nats_per_image
from trainables.metrics.inference import PLAIN, scores
from trainables.metrics.overlap import confusion
from trainables.metrics.per_image import ImageCounts
from trainables.metrics.plugin_metric import Counts
from trainables.metrics.summaries import summarize
from trainables.training.list_counts import ListCounts
from trainables.training.plugin_counts import PluginCounts
from trainables.training.plugin_counts import scores as plugin_scores
from trainables.training.ranks import num_ranks, rank, sum_over_ranks

_USUAL = EvalConfig()
Batches = Callable[..., Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]]
PICTURES = 4
"""How many images' predictions are saved with a checkpoint."""


@dataclass(frozen=True)
class Evaluation:
    """Metrics over a complete list, and the predictions of its first images to look at."""

    metrics: dict[str, float]
    loss: float
    """Cross-entropy in nats per valid pixel, whatever the network was trained with; NaN if no pixel
    is valid, or a prediction is not finite."""
    counts: ImageCounts
    confusion_KK: Tensor
    """int64: valid pixels by their true class (rows) and their predicted one (columns)."""
    predictions: tuple[NDArray[np.uint8], ...]
    """Labels (H,W) of each."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """By ``val/NAME``, the loss terms that were measured."""
    plugin_counts: Mapping[str, Counts] = field(default_factory=dict)
    """By metric of the plug-in, float64 (N,C): what each image counts."""


@torch.no_grad()
def evaluate(
    predict: Callable[[Tensor], Tensor],
    images: ImageList,
    num_classes: int,
    batch: int,
    device: torch.device,
    how: EvaluationProtocol = PLAIN,
    config: EvalConfig = _USUAL,
    observe: Callable[[NDArray[np.int64], Tensor, Tensor], None] | None = None,
    batches: Batches = evaluation_batches,
) -> Evaluation:
    """Evaluate a list on all ranks; every rank gets the metrics of all images.

    Args:
        predict: images (B,C,H,W) in [0,1] on the CPU -> logits (B,K,H,W) on the device.
        images: the list.
        num_classes: K.
        batch: images per forward pass, if they are predicted once and complete; else it is one.
        device: where predictions are counted.
        how: scales, mirroring and windows.
        config: what is measured.
        observe: receives rows, images (B,C,H,W) and labels (B,H,W) of each batch, after its
            prediction; both are on the device.
        batches: makes rows, images and labels of the list, as ``evaluation_batches`` does.
    """
    table = ListCounts(images, num_classes, device, config)
    own = PluginCounts(len(images), num_classes, device)
    nats_N = torch.zeros(len(images), dtype=torch.float64, device=device)
    confusion_KK = torch.zeros((num_classes, num_classes), dtype=torch.int64, device=device)
    pictures = _Pictures(images, device)
    batch = batch if how.is_plain else 1
    for rows, images_BCHW, labels_BHW in batches(
        images, batch=batch, rank=rank(), ranks=num_ranks()
    ):
        labels_BHW = labels_BHW.to(device)
        images_BCHW = images_BCHW.to(device, non_blocking=True)
        logits_BKHW = scores(predict, images_BCHW, how)
        predicted_BHW = logits_BKHW.argmax(dim=1)
        table.add(rows, predicted_BHW, labels_BHW)
        table.add_scores(rows, logits_BKHW, labels_BHW)
        own.add(rows, predicted_BHW, labels_BHW)
        if observe is not None:
            observe(rows, images_BCHW, labels_BHW)
        nats_N[torch.from_numpy(rows).to(device)] = nats_per_image(logits_BKHW, labels_BHW)
        confusion_KK += confusion(predicted_BHW, labels_BHW, num_classes)
        pictures.add(rows, predicted_BHW)
    counts, own_counts = table.total(), own.total()
    confusion_KK = sum_over_ranks(confusion_KK).cpu()
    loss = float(sum_over_ranks(nats_N).sum()) / (int(confusion_KK.sum()) or float("nan"))
    metrics = summarize(counts) | plugin_scores(own_counts)
    return Evaluation(metrics, loss, counts, confusion_KK, pictures.all(), plugin_counts=own_counts)


class _Pictures:
    """The predictions of a list's first images, whichever rank has them."""

    def __init__(self, images: ImageList, device: torch.device) -> None:
        self._sizes = [(int(rows), int(columns)) for rows, columns in images.sizes_N2[:PICTURES]]
        self._maps = [torch.zeros(size, dtype=torch.int64, device=device) for size in self._sizes]

    def add(self, rows: NDArray[np.int64], predicted_BHW: Tensor) -> None:
        for row, predicted_HW in zip(rows, predicted_BHW, strict=True):
            if row < len(self._maps):
                self._maps[row] = predicted_HW

    def all(self) -> tuple[NDArray[np.uint8], ...]:
        """Those of all ranks. Each has zeros for the images of the others."""
        maps = (sum_over_ranks(map_HW.contiguous()) for map_HW in self._maps)
        return tuple(map_HW.cpu().numpy().astype(np.uint8) for map_HW in maps)
