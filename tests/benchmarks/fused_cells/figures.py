"""What is measured of fused cells: how long they stay equal, how fast they are, what they share.

Shape letters: A cells, B images, C channels, K classes, H rows, W columns.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from time import process_time
from typing import TypeVar, cast

import torch
from torch import Tensor

from tests.benchmarks.fused_cells.cells import Changes, FusedCells, batches, configs
from tests.benchmarks.measuring import elapsed
from trainables.data import load
from trainables.data.batch import Batch
from trainables.geometry.boundaries import sobel_boundary
from trainables.geometry.signed_distance import signed_distance
from trainables.losses.active_boundary import boundary_distance
from trainables.losses.batch import Learned
from trainables.losses.compose import combine
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.training import Training

CPU = torch.device("cpu")
Given = TypeVar("Given")
Apart = tuple[float, float]
"""The largest difference of a weight, and that of the loss as a share of it."""


def equality(
    cells: Sequence[str], changes: Changes, places: Sequence[int], batch: int = 8
) -> dict[int, list[Apart]]:
    """By number of steps, how far each fused cell is from its own training.

    Epochs have one step, so that trainings can be seen after each.
    """
    given = configs(cells, 1, max(places), changes, batch)
    dataset = load(given[0].data)
    fused = FusedCells(given, dataset, CPU)
    apart = [Training(config, dataset, Learned(), CPU) for config in given]
    found = {}
    for step in range(1, max(places) + 1):
        losses = fused.train_epoch()[0].tolist()
        own = [cast(dict[str, float], one.train_epoch())["train/loss"] for one in apart]
        if step in places:
            found[step] = [
                (_of_weights(fused, number, one), abs(loss - true) / abs(true))
                for number, (one, loss, true) in enumerate(zip(apart, losses, own, strict=True))
            ]
    return found


def _of_weights(fused: FusedCells, number: int, own: Training) -> float:
    return max(
        float((fused.weights[name][number] - weight).detach().abs().max())
        for name, weight in own.network.named_parameters()
    )


def speed(
    cells: Sequence[str],
    changes: Changes,
    steps: int,
    rounds: int,
    device: torch.device = CPU,
    batch: int = 8,
) -> tuple[float, float]:
    """Seconds a step, of processor time on a CPU: the cells one after the other, and fused; medians
    of rounds in which they take turns. The first round is not counted."""
    given = configs(cells, steps, rounds + 1, changes, batch)
    dataset = load(given[0].data)
    fused = FusedCells(given, dataset, device)
    apart = [Training(config, dataset, Learned(), device) for config in given]
    pairs = []
    for _ in range(rounds + 1):
        separately = _seconds(lambda: [one.train_epoch() for one in apart], device)
        pairs.append((separately / steps, _seconds(fused.train_epoch, device) / steps))
    alone, together = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
    return alone, together


def shares(changes: Changes, steps: int, cell: str, batch: int = 8) -> dict[str, float]:
    """Milliseconds a step, of processor time, by what is done; the medians over steps."""
    (config,) = configs([cell], steps, 1, changes, batch)
    training = Training(config, load(config.data), Learned(), CPU)
    training.network.train()
    feed = batches(training, 1)
    rows = [_times_of_step(training, feed) for _ in range(steps)]
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def _times_of_step(training: Training, feed: Iterator[Batch]) -> dict[str, float]:
    times = {}

    def timed(name: str, work: Callable[[], Given]) -> Given:
        start = process_time()
        answer = work()
        times[name] = 1e3 * (process_time() - start)
        return answer

    images_BCHW, labels_BHW, _ = timed("decode and augment", lambda: next(feed))
    logits_BKHW = timed("network forward", lambda: training.network(images_BCHW).logits_BKHW)
    leaf_BKHW = logits_BKHW.detach().requires_grad_()
    timed("losses, forward and backward", lambda: _loss(training, leaf_BKHW, labels_BHW).backward())
    timed("network backward", lambda: logits_BKHW.backward(leaf_BKHW.grad))
    timed("optimiser", training.optimizer.step)
    classes = training.dataset.num_classes
    timed("targets: Sobel boundary", lambda: sobel_boundary(labels_BHW, classes))
    timed("targets: distance of ABL", lambda: boundary_distance(labels_BHW, "paper"))
    timed("targets: maps of boundary loss", lambda: signed_distance(labels_BHW, classes))
    return times


def _loss(training: Training, logits_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    weights = training.objective.weights(0.0)
    batch = Batch(logits_BKHW, labels_BHW, {})
    terms = training.objective.terms(SegmenterOutput(logits_BKHW, None), batch, weights)
    return combine(terms, weights)[0]


def _seconds(work: Callable[[], object], device: torch.device = CPU) -> float:
    return 1e-3 * elapsed(lambda: (work(), None)[1], device.type)
