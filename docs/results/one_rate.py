"""The losses of docs/results.md, all at one learning rate: a search of each one's own weights.

``all_losses`` searches the rate with the weights, so that cells choose different rates and are then
compared again at one (``--control``). Here the rate is the baseline's, and the trials go into the
weights. Three cells are of this page: ABL without Lovasz, IABL in the last fifth of the training,
and SEMEDA averaged over its embedding's channels.
"""

from dataclasses import replace

from search_spaces import Cell, Grid
from search_spaces.all_losses import ARMS

_RATE = "optim/lr"


def _without_rate(cell: Cell) -> Cell:
    searched = tuple(dimension for dimension in cell.searched if dimension.path != _RATE)
    return replace(cell, searched=searched)


def _cells() -> dict[str, Cell]:
    return {cell.name: _without_rate(cell) for cell in ARMS.cells}


_IABL, _SEMEDA = _cells()["iabl"], _cells()["semeda"]
_MORE = (
    replace(_IABL, name="abl", changes={"loss/w_a": 1.0}),
    replace(_IABL, name="iabl_last_20", changes={**_IABL.changes, "loss/schedule": "w_a from 0.8"}),
    replace(
        _SEMEDA, name="semeda_mean", changes={**_SEMEDA.changes, "loss/edge_reduction": "mean"}
    ),
)

GRIDS = {
    "one_rate": Grid(
        name="one_rate",
        question="Which loss is best at the baseline's learning rate, each at its best weights?",
        source=ARMS.source,
        baseline=ARMS.baseline,
        cells=(*_cells().values(), *_MORE),
    )
}
