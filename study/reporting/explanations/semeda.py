"""SEMEDA's point: of two predictions with as many wrong pixels, which has the wrong structure?

Each test image's true classes are spoiled in two ways, with the same number of wrong pixels: moved
by one pixel, or with holes inside regions. Cross-entropy cannot tell them apart. SEMEDA compares
the embeddings of an edge network, layer by layer (Eq. 6).
Shape letters: N images, H rows, W columns.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from study.reporting.explanations.explanation import Explanation, Given
from study.reporting.explanations.moved import filled, moved, probabilities
from trainables.data import DataError, Dataset
from trainables.geometry.boundaries import VOID
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.kernels.edge_row_bands import EdgeNet, layers_of
from trainables.losses.semeda import LAYERS, semeda
from trainables.stages.registry import ensure, load_learned

_IMAGES = 16
_PICTURED = 3
_HOLE_PX = 3
"""Side of a hole."""


class Spoiled(NamedTuple):
    """An image's true classes and two wrong ones, with as many wrong pixels."""

    row: int
    true_HW: NDArray[np.uint8]
    moved_HW: NDArray[np.uint8]
    holes_HW: NDArray[np.uint8]


Measured = Mapping[str, tuple[Tensor, Tensor]]
"""By measure, the values of the moved and of the holed predictions, each (N,)."""


def explain(given: Given) -> Explanation:
    """Compare both on the first test images; the edge network is trained first if it is missing."""
    config = given.config.changed({"loss/lambda_2": 1.0})  # or no edge network would be needed
    ensure("edge_net", config, given.dataset, given.stages)
    edge_net = load_learned(config, given.dataset.digest, given.stages).edge_net
    assert edge_net is not None
    pairs = spoiled_images(given.dataset)
    measured = measure(pairs, given.dataset.num_classes, edge_net)
    text = _table(measured, given.dataset, len(pairs))
    return Explanation("semeda", text, _figure(pairs, given.dataset, edge_net))


def spoiled_images(dataset: Dataset) -> list[Spoiled]:
    """The first test images that can be spoiled in both ways.

    Raises:
        DataError: there is none.
    """
    labels_NHW, generator = dataset.splits["test"].labels_NHW, np.random.default_rng(0)
    pairs = []
    for row in range(min(len(labels_NHW), _IMAGES)):
        true_HW = np.asarray(labels_NHW[row])
        moved_HW = np.where(true_HW == VOID, VOID, moved(true_HW, 1)).astype(np.uint8)
        wrong = int((moved_HW != true_HW).sum())
        holes_HW = holed(true_HW, wrong, dataset.num_classes, generator)
        if wrong and holes_HW is not None:
            pairs.append(Spoiled(row, true_HW, moved_HW, holes_HW))
    if not pairs:
        raise DataError(f"{dataset.name}: no test image has a boundary and room for holes")
    return pairs


def holed(
    true_HW: NDArray[np.uint8], wrong: int, num_classes: int, generator: np.random.Generator
) -> NDArray[np.uint8] | None:
    """The classes with square holes of the next class, ``wrong`` pixels in all, the last hole cut
    short; None if there is no room. Holes touch neither boundaries nor each other."""
    holes_HW, reach = true_HW.copy(), _HOLE_PX // 2 + 1
    rows, columns = true_HW.shape
    left = wrong
    for place in generator.permutation(rows * columns):
        row, column = divmod(int(place), columns)
        if not left:
            break
        if not (reach <= row < rows - reach and reach <= column < columns - reach):
            continue
        around = holes_HW[row - reach : row + reach + 1, column - reach : column + reach + 1]
        if around[0, 0] == VOID or (around != around[0, 0]).any():
            continue
        inner = around[1:-1, 1:-1].reshape(-1).copy()
        inner[:left] = (inner[:left] + 1) % num_classes
        around[1:-1, 1:-1] = inner.reshape(_HOLE_PX, _HOLE_PX)
        left -= min(left, _HOLE_PX**2)
    return None if left else holes_HW


def measure(pairs: list[Spoiled], num_classes: int, edge_net: EdgeNet) -> Measured:
    """Cross-entropy, and SEMEDA with each layer alone, of predictions 95 % sure of each pixel."""
    names = ["cross-entropy", *(f"SEMEDA, layer {layer + 1}" for layer in range(LAYERS))]
    values: dict[str, list[list[float]]] = {name: [] for name in names}
    for pair in pairs:
        labels_1HW = torch.from_numpy(pair.true_HW.astype(np.int64))[None]
        for wrong_HW in (pair.moved_HW, pair.holes_HW):
            logits = probabilities(filled(wrong_HW), num_classes).log()
            terms = [cross_entropy(logits, labels_1HW)]
            for layer in range(LAYERS):
                lambdas = (float(layer == 0), float(layer == 1), float(layer == 2))
                terms.append(semeda(logits, labels_1HW, edge_net=edge_net, lambdas=lambdas))
            for name, term in zip(names, terms, strict=True):
                values[name].append([float(term.total / term.count)])
    return {
        name: (torch.tensor(found[0::2]).flatten(), torch.tensor(found[1::2]).flatten())
        for name, found in values.items()
    }


def _table(measured: Measured, dataset: Dataset, images: int) -> str:
    where = dataset.lists.get("test", "test list")
    lines = [
        f"# SEMEDA on {dataset.name}: structure of errors",
        f"{images} images of the {where}, digest {dataset.digest}. Two predictions of each, with "
        "the same number of wrong pixels, 95 % sure of every pixel: the true classes moved by 1 px "
        f"down and right, and with holes of {_HOLE_PX} px inside regions. Values are means over "
        "pixels: nats for cross-entropy, L1 distance of an embedding for SEMEDA.\n",
        "| measure | moved: mean | holes: mean | holes / moved | holes are worse |",
        "|---|---|---|---|---|",
    ]
    for name, (moved_N, holes_N) in measured.items():
        ratio = float(holes_N.mean() / moved_N.mean())
        share = float(((holes_N - moved_N) > 1e-6 * moved_N).float().mean())
        lines.append(
            f"| {name} | {moved_N.mean():.4f} | {holes_N.mean():.4f} | {ratio:.2f} | {share:.0%} |"
        )
    return "\n".join(lines) + "\n"


def _figure(pairs: list[Spoiled], dataset: Dataset, edge_net: EdgeNet) -> Figure:
    shown = pairs[:_PICTURED]
    rows, columns = shown[0].true_HW.shape
    figure = Figure(
        figsize=(12, len(shown) * (2.0 * rows / columns + 0.3) + 0.6), layout="constrained"
    )
    panels = figure.subplots(len(shown), 6, squeeze=False)
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[: dataset.num_classes] = dataset.colours
    for line, pair in zip(panels, shown, strict=True):
        maps = {"truth": pair.true_HW, "moved": pair.moved_HW, "holes": pair.holes_HW}
        for place, (name, map_HW) in enumerate(maps.items()):
            line[place].imshow(palette[map_HW], interpolation="nearest")
            edge_HW = edges(map_HW, dataset.num_classes, edge_net)
            line[place + 3].imshow(edge_HW, vmin=0, vmax=1, cmap="gray", interpolation="nearest")
            line[place].set_title(name, fontsize=9)
            line[place + 3].set_title(f"edges found in: {name}", fontsize=9)
    for axes in panels.ravel():
        axes.set(xticks=[], yticks=[])
    figure.suptitle("As many wrong pixels in 'moved' as in 'holes': what the edge network sees")
    return figure


@torch.no_grad()
def edges(map_HW: NDArray[np.uint8], num_classes: int, edge_net: EdgeNet) -> NDArray[np.float32]:
    """(H,W): the edge network's probability of an edge in a map of classes."""
    prob_1KHW = probabilities(filled(map_HW), num_classes)
    *_, edge_12HW = layers_of(edge_net, prob_1KHW)
    found: NDArray[np.float32] = edge_12HW.softmax(dim=1)[0, 1].numpy()
    return found
