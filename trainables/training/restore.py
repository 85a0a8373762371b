"""Rebuild a trained network from its checkpoint, and evaluate it on the test list."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.config import Value, from_flat
from trainables.data import Dataset
from trainables.losses.affinity_regression import SIZES, affinities
from trainables.losses.terms import Learned
from trainables.metrics import counts_file
from trainables.plugin import Plugin, install
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
        dataset: the trial's.
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


def measure(
    config: Mapping[str, Value],
    state: bytes,
    dataset: Dataset,
    device: str,
    plugin: Plugin | None,
) -> Measured:
    """Evaluate a checkpoint on the complete test list."""
    found = restore(config, state, dataset, device, plugin).evaluate("test")
    names = list(dataset.splits["test"].names)
    counts = counts_file.pack(found.counts, names, found.confusion_KK)
    return Measured({f"test_{name}": value for name, value in found.metrics.items()}, counts)


class Seen(NamedTuple):
    """One network's predictions on the chosen images."""

    name: str
    predicted: tuple[NDArray[np.uint8], ...]
    """Labels (H,W) of each image."""
    predicted_LL: NDArray[np.float32]
    """Affinities between the first image's 12x12 places; NaN where a place is void."""
    true_LL: NDArray[np.float32]


def look(
    name: str,
    config: Mapping[str, Value],
    state: bytes,
    dataset: Dataset,
    rows: list[int],
    device: str,
    plugin: Plugin | None = None,
) -> Seen:
    """Predict the chosen images of the test list with one checkpoint's network.

    Args:
        name: what to call the network.
        config: as ``restore`` takes it, like ``state``, ``dataset``, ``device`` and ``plugin``.
        rows: places in the test list, one or more.
    """
    training = restore(config, state, dataset, device, plugin)
    images = dataset.splits["test"]
    predicted, affinity, true = [], None, None
    for logits_1KHW, row in zip(training.scores("test", rows), rows, strict=True):
        predicted.append(logits_1KHW[0].argmax(dim=0).cpu().numpy().astype(np.uint8))
        if affinity is None:
            labels_1HW = torch.from_numpy(np.asarray(images.labels_NHW[row]).astype(np.int64))[None]
            affinity, true, valid = affinities(logits_1KHW.cpu(), labels_1HW)
            affinity, true = (map_.masked_fill(~valid, torch.nan) for map_ in (affinity, true))
    assert affinity is not None
    assert true is not None
    places = SIZES[0] ** 2
    return Seen(
        name,
        tuple(predicted),
        affinity[0, :places, :places].numpy(),
        true[0, :places, :places].numpy(),
    )
