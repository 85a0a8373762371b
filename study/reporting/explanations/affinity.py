"""Affinity Regression's Figure 4 on a test image: which places share a class?

With a saved network, its affinities stand beside the labels'. In any case, the true classes moved
by a few pixels show what the loss notices of a displacement, and what it does not.
Shape letters: H rows, W columns, K classes.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from study.reporting.explanations.explanation import Explanation, Given
from study.reporting.explanations.moved import moved, probabilities
from study.reporting.pictures import affinity
from trainables import saved
from trainables.config import require
from trainables.data import Dataset
from trainables.data.rasters import Pixels, require_same
from trainables.data.units import in_units
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.cross_entropy import cross_entropy
from trainables.training.restore import Affinities, affinities_of

_SHIFTS_PX = (1, 3, 10)
_DRAWN_PX = 10
"""The displacement that is drawn."""


def explain(given: Given) -> Explanation:
    """Draw the maps of the chosen image at 12x12 and 6x6 places, and measure them."""
    images, row = given.dataset.splits["test"], given.row
    labels_HW = np.asarray(images.labels_NHW[row])
    predictions = {
        f"labels moved by {shift} px": probabilities(
            moved(labels_HW, shift), given.dataset.num_classes
        ).log()
        for shift in _SHIFTS_PX
    }
    if given.model is not None:
        image_HWC = np.asarray(images.images_NHWC[row])
        predictions[given.model.parent.name] = _logits(given.model, given.dataset, image_HWC)
    maps = {name: affinities_of(logits, labels_HW) for name, logits in predictions.items()}
    drawn = [(name, found) for name, found in maps.items() if _is_drawn(name, given.model)]
    text = _table(given, images.names[row], labels_HW, predictions, maps)
    return Explanation("figure4", text, affinity.figure(drawn, images.names[row]))


def _is_drawn(name: str, model: Path | None) -> bool:
    return name.endswith(f" {_DRAWN_PX} px") or (model is not None and name == model.parent.name)


def _logits(model: Path, dataset: Dataset, image_HWC: Pixels) -> Tensor:
    """Logits (1,K,H,W) of a saved network.

    Raises:
        ValueError: it cannot be loaded, or has other classes than the data.
    """
    network, _, classes = saved.load(model)
    require(classes == list(dataset.classes), "--model", "a network of these classes", str(model))
    require_same(network.pixels, image_HWC, "--model")
    image_1CHW = in_units(torch.from_numpy(image_HWC).permute(2, 0, 1)).unsqueeze(0)
    with torch.no_grad():
        logits_1KHW: Tensor = network(image_1CHW).logits_BKHW
    return logits_1KHW


def _table(
    given: Given,
    image: str,
    labels_HW: NDArray[np.uint8],
    predictions: dict[str, Tensor],
    maps: dict[str, dict[int, Affinities]],
) -> str:
    labels_1HW = torch.from_numpy(labels_HW.astype(np.int64))[None]
    lines = [
        f"# Affinity Regression's Figure 4 on {given.dataset.name}, {image}",
        "The squared error between the affinities of a prediction and of the labels, by grid, and "
        "the loss, which takes both grids and the pairs between them. Labels that are moved stand "
        "for a prediction that is 95 % sure of every pixel.\n",
        "| prediction | 12x12 | 6x6 | affinity regression | cross-entropy [nats] |",
        "|---|---|---|---|---|",
    ]
    for name, logits_1KHW in predictions.items():
        errors = [
            f"{affinity.squared_error(found.predicted_LL, found.true_LL):.4f}"
            for found in maps[name].values()
        ]
        terms = (
            affinity_regression(logits_1KHW, labels_1HW),
            cross_entropy(logits_1KHW, labels_1HW),
        )
        means = [f"{float(term.total / term.count):.4f}" for term in terms]
        lines.append(f"| {' | '.join([name, *errors, *means])} |")
    return "\n".join(lines) + "\n"
