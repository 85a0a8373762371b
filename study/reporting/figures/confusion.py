"""Which classes a network takes for which others."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

_NUMBERS, _NAMES = 12, 40
"""With more classes, a panel has no numbers, or no names."""
_LETTERS = 18
"""Of a class name."""


def confusion(views: Mapping[str, Tensor], classes: Sequence[str], where: str) -> Figure | None:
    """A panel for each network: of each true class, the share of its pixels by predicted class.

    Args:
        views: by name, int64 (K,K): pixels by true class (rows) and predicted class.
        classes: the K names.
        where: the list on which they were counted, in words.
    """
    if not views:
        return None
    side = min(max(0.46 * len(classes) + 1.4, 3.4), 9.0)
    figure = Figure(figsize=(side * len(views) + 1.0, side), layout="constrained")
    panels = figure.subplots(1, len(views), squeeze=False)[0]
    for axes, (name, pixels_KK) in zip(panels, views.items(), strict=True):
        drawn = _draw(axes, pixels_KK, classes)
        axes.set_title(name, loc="left")
    panels[0].set_ylabel("true class")
    figure.suptitle(f"Predicted class, % of the pixels of each true class, {where}", fontsize=10.5)
    figure.colorbar(drawn, ax=panels, shrink=0.8)
    return figure


def _draw(axes: Axes, pixels_KK: Tensor, classes: Sequence[str]) -> matplotlib.image.AxesImage:
    counts_KK = pixels_KK.double().numpy()
    total_K1 = counts_KK.sum(axis=1, keepdims=True)
    share_KK = 100 * counts_KK / np.where(total_K1 > 0, total_K1, np.nan)  # grey: no such pixel
    hues = matplotlib.colormaps["Blues"].with_extremes(bad="#d5d9de")
    drawn = axes.imshow(share_KK, vmin=0, vmax=100, cmap=hues, interpolation="nearest")
    axes.grid(visible=False)
    names = [name if len(name) <= _LETTERS else f"{name[:_LETTERS]}…" for name in classes]
    ticks = range(len(names)) if len(names) <= _NAMES else []
    axes.set_xticks(ticks, names if ticks else [], rotation=90, fontsize=8)
    axes.set_yticks(ticks, names if ticks else [], fontsize=8)
    axes.set_xlabel("predicted class")
    if len(names) <= _NUMBERS:
        for (row, column), share in np.ndenumerate(share_KK):
            if np.isfinite(share):
                ink = "white" if share > 60 else "#1c2430"
                text = f"{share:.0f}"
                axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink)
    return drawn
