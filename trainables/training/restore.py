"""Rebuild a trained network from its checkpoint, and evaluate it on the test list."""

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import Value, from_flat
from trainables.data import DataError, Dataset
from trainables.losses.affinity_regression import SIZES, affinities
from trainables.losses.batch import Learned
from trainables.plugin import Plugin, install
from trainables.training.evaluation import packed
from trainables.training.refinement import Prepare, Refinement, RefinementError, none
from trainables.training.training import Training


def restore(
    config: Mapping[str, Value],
    state: bytes,
    dataset: Dataset,
    device: str,
    plugin: Plugin | None = None,
) -> Training:
    """The training that saved ``state``, ready to evaluate; its losses have no stages.

    Args:
        config: the trial's, flat; read after the plug-in is installed, which may add to it.
        state: from ``Training.save``.
        dataset: the trial's; of folds, the lists of any of them.
        device: such as ``cuda``.
        plugin: the user's own file that the trial ran with.
    """
    if plugin is not None:
        install(plugin)
    training = Training(from_flat(dict(config)), dataset, Learned(), torch.device(device))
    training.load(state)
    return training


class Measured(NamedTuple):
    """A checkpoint's results on the test list."""

    metrics: dict[str, float]
    """Named ``test_...``."""
    counts: bytes
    """The counts of every image, as the content of a counts file."""
    refinement: Refinement = Refinement()
    """Without ``refine``: what the validation list has decided of it."""


def measure(
    config: Mapping[str, Value],
    state: bytes,
    dataset: Dataset,
    device: str,
    plugin: Plugin | None,
    prepare: Prepare = none,
) -> Measured | RefinementError:
    """Evaluate a checkpoint on the complete test list, refined as ``prepare`` says; or return why
    there is no refinement, which is no fault of the networks beside it."""
    cv2.setNumThreads(0)  # of distance transforms: the task has a process, but shares the cores
    training = restore(config, state, dataset, device, plugin)
    try:
        refinement = prepare(training)
    except DataError:
        raise
    except ValueError as error:
        return RefinementError(f"no refinement by {training.config.refine.method}: {error}")
    found = training.evaluate("test", refine=refinement.refine)
    names = training.dataset.splits["test"].names
    metrics = {f"test_{name}": value for name, value in found.metrics.items()}
    return Measured(metrics, packed(found, names), refinement._replace(refine=None))


class Affinities(NamedTuple):
    """Which places of a grid share a class; NaN where one is void."""

    predicted_LL: NDArray[np.float32]
    true_LL: NDArray[np.float32]


class Seen(NamedTuple):
    """One network's predictions on the chosen images."""

    name: str
    predicted: list[NDArray[np.uint8]]
    """The classes (H,W) of each image."""
    affinity: dict[int, Affinities]
    """Of the first image, by the side of its grid of places: 12x12 and 6x6."""


def look(
    name: str,
    config: Mapping[str, Value],
    state: bytes,
    dataset: Dataset,
    rows: list[int],
    device: str,
    plugin: Plugin | None = None,
    prepare: Prepare = none,
) -> Seen:
    """Predict the chosen images of the test list with one checkpoint's network, refined.

    Args:
        name: what to call the network.
        config: as ``restore`` takes it, like ``state``, ``dataset``, ``device`` and ``plugin``.
        rows: places in the test list, one or more.
        prepare: makes the refinement.
    """
    training = restore(config, state, dataset, device, plugin)
    labels_HW = np.asarray(training.dataset.splits["test"].labels_NHW[rows[0]])
    predicted, affinity = [], dict[int, Affinities]()
    for logits_1KHW in training.scores("test", rows, prepare(training).refine):
        predicted.append(logits_1KHW[0].argmax(dim=0).cpu().numpy().astype(np.uint8))
        affinity = affinity or affinities_of(logits_1KHW.cpu(), labels_HW)
    return Seen(name, predicted, affinity)


def affinities_of(logits_1KHW: Tensor, labels_HW: NDArray[np.uint8]) -> dict[int, Affinities]:
    """Affinity Regression's maps of one image, by the side of the grid: see ``Affinities``."""
    labels_1HW = torch.from_numpy(labels_HW.astype(np.int64))[None]
    predicted_1LL, true_1LL, valid_1LL = affinities(logits_1KHW, labels_1HW)
    maps = [map_1LL.masked_fill(~valid_1LL, torch.nan)[0] for map_1LL in (predicted_1LL, true_1LL)]
    found, begin = dict[int, Affinities](), 0
    for side in SIZES:
        places = slice(begin, begin + side**2)
        found[side] = Affinities(*(map_LL[places, places].numpy() for map_LL in maps))
        begin = places.stop
    return found
