"""Affinity Regression's Figure 4: which places of an image share a class.

Shape letters: L places.
"""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trainables.training.restore import Affinities

_TITLE = "Affinity of the places of {image}, row by row; black is void"


def figure(named: Sequence[tuple[str, Mapping[int, Affinities]]], image: str) -> Figure:
    """A row of maps for each grid of places, 12x12 and 6x6; blue is 0, red is 1.

    Args:
        named: each network's name, and by the side of a grid its affinities and the true ones.
        image: the image's name.
    """
    sides = list(named[0][1])
    columns = len(named) + 1
    drawn_on = Figure(figsize=(2.5 * columns + 0.9, 2.75 * len(sides) + 0.5), layout="constrained")
    panels = drawn_on.subplots(len(sides), columns, squeeze=False)
    hues = matplotlib.colormaps["coolwarm"].with_extremes(bad="#111111")
    for row, side in zip(panels, sides, strict=True):
        maps = {"labels": named[0][1][side].true_LL}
        maps |= {name: by_side[side].predicted_LL for name, by_side in named}
        for axes, (name, map_LL) in zip(row, maps.items(), strict=True):
            drawn = axes.imshow(map_LL, vmin=0, vmax=1, cmap=hues, interpolation="nearest")
            error = squared_error(map_LL, maps["labels"])
            shown = name if axes is row[0] else f"{name}\nsquared error {error:.3f}"
            axes.set_title(shown, fontsize=9)
            axes.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"{side}x{side} places")
    drawn_on.suptitle(_TITLE.format(image=image), fontsize=10)
    drawn_on.colorbar(drawn, ax=panels, shrink=0.8, label="1: the same class")
    return drawn_on


def squared_error(map_LL: NDArray[np.float32], true_LL: NDArray[np.float32]) -> float:
    """The mean of the squared differences over all pairs without void: the loss of one grid."""
    return float(np.nanmean(np.square(map_LL - true_LL)))
