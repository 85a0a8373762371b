"""InverseForm's Figure 2: which of two predictions is nearer to the true boundary?

For boundary tiles x of the test list, two predictions are compared: x shifted by 3 px up and left,
and an unrelated tile. Each is measured by cross-entropy and by both distances of InverseForm.
Cross-entropy often rates the unrelated tile as the better prediction; InverseForm should not.
Shape letters: N tiles, S tile side.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Generator, Tensor

from study.reporting.explanations.explanation import Explanation, Given
from trainables.config import TrialConfig
from trainables.data import Dataset
from trainables.losses.geodesic import distance_of
from trainables.stages.inverse_net.tile_pairs import TileSource
from trainables.stages.masks import boundary_of, of_boundaries
from trainables.stages.registry import ensure, load_learned

DISTANCES = ("euclidean", "geodesic")
_PAIRS = 1000
_PICTURED = 4
_SHIFT_PX = 3
_SURE = 0.95
"""Probability of a predicted boundary pixel; cross-entropy needs one below 1."""


class Pairs(NamedTuple):
    """True tiles, the same tiles shifted, and as many unrelated tiles."""

    true_NSS: Tensor
    shifted_NSS: Tensor
    other_NSS: Tensor


Measured = Mapping[str, tuple[Tensor, Tensor]]
"""By measure, the distances of the shifted and of the unrelated tiles, each (N,)."""


def explain(given: Given) -> Explanation:
    """Measure and draw; networks that the folder of stages lacks are trained first."""
    config, dataset = given.config, given.dataset
    pairs = draw_pairs(dataset, config)
    measured = measure(config, dataset, pairs, given.stages)
    return Explanation("figure2", table(measured, config, dataset), picture(pairs, measured))


def draw_pairs(dataset: Dataset, config: TrialConfig) -> Pairs:
    """Tiles of the test list, which no stage is trained on."""
    seen, make = of_boundaries(config, dataset), boundary_of(config)
    source = TileSource(seen, "test", config.tile_px, boundary=make)
    generator = Generator().manual_seed(0)
    context_NPP = source.contexts(_PAIRS, generator)
    # Up and left by the same amount: 3 px along each axis.
    diagonal_N = torch.full((_PAIRS,), math.pi / 4)
    shifted_NSS, _ = source.shifted(context_NPP, _SHIFT_PX * math.sqrt(2), diagonal_N)
    other_NSS = source.centre(source.contexts(_PAIRS, generator))
    return Pairs(source.centre(context_NPP), shifted_NSS, other_NSS)


def measure(config: TrialConfig, dataset: Dataset, pairs: Pairs, folder: Path) -> Measured:
    """Cross-entropy and both distances; networks that the folder lacks are trained first."""
    measured = {
        "cross-entropy": (
            cross_entropy(pairs.shifted_NSS, pairs.true_NSS),
            cross_entropy(pairs.other_NSS, pairs.true_NSS),
        )
    }
    for kind in DISTANCES:
        # A positive weight, or the config would not need the network.
        variant = config.changed({"loss/distance": kind, "loss/gamma": 1.0})
        ensure("inverse_net", variant, dataset, folder)
        network = load_learned(variant, dataset.digest, folder).inverse_net
        assert network is not None
        distance = distance_of(variant.loss.distance, variant.loss.lambda_geo)
        with torch.no_grad():
            measured[kind] = (
                distance(network(pairs.shifted_NSS, pairs.true_NSS)),
                distance(network(pairs.other_NSS, pairs.true_NSS)),
            )
    return measured


def cross_entropy(predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
    """(N,): mean over pixels, in nats, of a prediction that is 95 % sure of every pixel."""
    prob_NSS = torch.where(predicted_NSS > 0, _SURE, 1 - _SURE)
    return F.binary_cross_entropy(prob_NSS, true_NSS, reduction="none").mean(dim=(1, 2))


def table(measured: Measured, config: TrialConfig, dataset: Dataset) -> str:
    """The mean distances, and how often the shifted tile is the nearer one, as Markdown."""
    lines = [
        f"# InverseForm's Figure 2 on {dataset.name}",
        f"{_PAIRS} boundary tiles x of {config.tile_px} px from the "
        f"{dataset.lists.get('test', 'test list')}, digest "
        f"{dataset.digest}; shifted by {_SHIFT_PX} px up and left, or another tile in its "
        "place. Cross-entropy in nats per pixel, the euclidean distance in units of the "
        "transformations that its network was trained on (2.4 on average), the geodesic one in "
        "radians.\n",
        "| measure | x, shifted x: mean | x, unrelated: mean | shifted is nearer |",
        "|---|---|---|---|",
    ]
    for name, (shifted_N, other_N) in measured.items():
        share = (shifted_N < other_N).float().mean().item()
        lines.append(f"| {name} | {shifted_N.mean():.3f} | {other_N.mean():.3f} | {share:.1%} |")
    return "\n".join(lines) + "\n"


def picture(pairs: Pairs, measured: Measured) -> Figure:
    """Draw the tiles that cross-entropy misjudges most."""
    shifted_N, other_N = measured["cross-entropy"]
    order = (other_N - shifted_N).argsort()[:_PICTURED].tolist()
    figure = Figure(figsize=(7, 2.5 * len(order) + 0.7), layout="constrained")
    figure.suptitle(
        f"The {len(order)} of {_PAIRS} tiles that cross-entropy misjudges most.\nWhich prediction "
        f"is nearer to the true boundary x: x shifted by {_SHIFT_PX} px,\nor an unrelated tile?",
        fontsize=10,
    )
    axes = figure.subplots(len(order), 3, squeeze=False)
    for row, index in zip(axes, order, strict=True):
        columns = (
            ("true boundary x", pairs.true_NSS, None),
            ("x, shifted", pairs.shifted_NSS, 0),
            ("unrelated tile", pairs.other_NSS, 1),
        )
        for axis, (title, tiles_NSS, side) in zip(row, columns, strict=True):
            axis.imshow(tiles_NSS[index].numpy(), cmap="gray", vmin=0, vmax=1)
            axis.set_title(title, fontsize=9)
            axis.set_xticks([])
            axis.set_yticks([])
            if side is not None:
                verdicts = [_verdict(name, pair, side, index) for name, pair in measured.items()]
                axis.set_xlabel("\n".join(verdicts), fontsize=8)
    return figure


def _verdict(name: str, distances: tuple[Tensor, Tensor], side: int, index: int) -> str:
    """``euclidean 0.31, nearer``: the distance of one side's tile, compared to the other side's."""
    own, other = distances[side][index], distances[1 - side][index]
    return f"{name} {own:.2f}{', nearer' if own < other else ''}"
