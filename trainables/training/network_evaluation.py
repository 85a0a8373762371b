"""A trial's network on a list: photographs one by one, films from their first frames' masks on.

Shape letters: K classes, H rows, W columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from trainables.config import TrialConfig
from trainables.config.evaluation import Split
from trainables.data.batches import to_tensors
from trainables.data.dataset import ImageList
from trainables.metrics.inference import scores
from trainables.metrics.other_tasks.edge_detection import NUM_THRESHOLDS
from trainables.networks.segmentation import Segmenter, SegmenterOutput
from trainables.refinement.refine import Refine
from trainables.training.evaluation import Batches, Evaluation, evaluate
from trainables.training.films import evaluate_films, logits_at
from trainables.training.following import follow
from trainables.training.forward import forward
from trainables.training.task_counts import TaskCounts
from trainables.training.validation_terms import ListTerms, Measure, ValidationTerms


def evaluate_network(
    network: Segmenter,
    config: TrialConfig,
    images: ImageList,
    split: Split,
    device: torch.device,
    batches: Batches,
    measure: Measure,
    names: Sequence[str],
    refine: Refine | None = None,
) -> Evaluation:
    """The metrics of a list, predicted as ``eval/*`` says, and its loss terms. All ranks must make
    this call.

    Args:
        network: in evaluation mode.
        config: the trial's.
        images: the list.
        split: which one it is.
        device: the network's.
        batches: makes those of photographs.
        measure: the loss terms of some images.
        names: of the terms to measure.
        refine: corrects the logits of photographs; loss terms are of the network alone.
    """
    table = ListTerms(measure, names, len(images), device)
    counted = _task_counts(network, config, len(images), split, device)
    how, num_classes = config.eval.of(split), network.num_classes
    if network.follows:
        begin, measured = follow(network, config.optim, device), table if names else None
        films = images, num_classes, device, how, config.eval, measured, counted
        return replace(evaluate_films(begin, *films), terms=table.means())

    def predict(images_BCHW: Tensor) -> SegmenterOutput:
        return forward(network, images_BCHW, config.optim, device, bool(names))

    terms = ValidationTerms(predict, table, counted.heads)
    observe = terms.observe if names else None
    given = num_classes, config.batch, device, how, config.eval, observe
    found = evaluate(terms.predict, images, *given, batches, counted, refine)
    return replace(found, terms=table.means())


def _task_counts(
    network: Segmenter, config: TrialConfig, images: int, split: Split, device: torch.device
) -> TaskCounts:
    """All thresholds on the test list; fewer after each epoch, as each takes its time."""
    thresholds = NUM_THRESHOLDS if split == "test" else config.eval.edge_thresholds
    return TaskCounts(images, network.tasks.channels, thresholds, device)


@torch.no_grad()
def scores_of(
    network: Segmenter,
    config: TrialConfig,
    images: ImageList,
    split: Split,
    rows: Sequence[int],
    device: torch.device,
    refine: Refine | None = None,
) -> Iterator[Tensor]:
    """Yield the logits, float (1,K,H,W), of single images as ``evaluate_network`` predicts them.
    For one rank."""
    how = config.eval.of(split)
    if network.follows:
        yield from logits_at(follow(network, config.optim, device), how, images, rows, device)
        return

    def logits(images_BCHW: Tensor) -> Tensor:
        return forward(network, images_BCHW, config.optim, device).logits_BKHW

    for row in rows:
        images_1CHW = to_tensors(images, [row]).images_BCHW
        found_1KHW = scores(logits, images_1CHW, how, inputs=images.inputs)
        yield found_1KHW if refine is None else refine(images_1CHW.to(device), found_1KHW)
