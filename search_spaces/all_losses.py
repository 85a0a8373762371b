"""Every loss beside plain cross-entropy, each with a per-cell search of the same budget."""

from optuna.distributions import FloatDistribution

from search_spaces.affinity import AFFINITY
from search_spaces.grid import Cell, Changes, Grid
from search_spaces.inverseform import INVERSEFORM
from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.region import REGION
from search_spaces.rivals import RIVAL_CELLS, weight_of_one
from search_spaces.space import Dimension, Space
from search_spaces.tables.inverseform import UNEXPLAINED

ALL_LOSSES = Space(
    name="all_losses",
    question="Which loss is best on my data, each at its best weights, at equal budget?",
    cost="a search of --trials trials for each loss (0: none, the papers' weights), then each loss "
    "on every seed; a stage for each InverseForm and one for SEMEDA",
    dimensions=(),
)
"""Without dimensions: each cell of the grid has a search of its own."""


def _of(space: Space, path: str) -> Dimension:
    return next(dimension for dimension in space.dimensions if dimension.path == path)


_LAMBDA_2 = Dimension(
    path="loss/lambda_2",
    distribution=FloatDistribution(0.01, 1.0, log=True),
    why="1 in SEMEDA's best row of Table 1; Eq. 6 sums over the channels of an embedding, 10 to 35 "
    "times a cross-entropy on two real datasets (docs/results/earlier.md), so two decades down",
)
_BETA, _GAMMA = _of(INVERSEFORM, "loss/beta"), _of(INVERSEFORM, "loss/gamma")
_INVERSE_FORM: Changes = {"loss/beta": 0.3, "loss/gamma": 0.3, "loss/tile_reduction": "mean"}
_GEODESIC: Changes = {**_INVERSE_FORM, "loss/distance": "geodesic"}


def _cell(name: str, changes: Changes, *weights: Dimension) -> Cell:
    """A loss at the weights from which its search starts.

    The rate comes first in every cell, so that random search tries the same rates in all of them.
    """
    return Cell(name=name, changes=changes, searched=(LEARNING_RATE, *weights))


ARMS = Grid(
    name="arms",
    question=ALL_LOSSES.question,
    source="each loss from its paper's weights; no paper compares them all",
    baseline="cross_entropy",
    cells=(
        _cell("cross_entropy", {}),
        _cell("balanced_cross_entropy", {"loss/class_weights": "frequency"}),
        _cell("boundary_head", {"loss/beta": 0.3}, _BETA),
        _cell("inverse_form", _INVERSE_FORM, _BETA, _GAMMA),
        _cell("inverse_form_geodesic", _GEODESIC, _BETA, _GAMMA),
        _cell("inverse_form_unexplained", UNEXPLAINED, _BETA, _GAMMA),
        _cell("lovasz", {"loss/lovasz": 1.0}, weight_of_one("loss/lovasz", "ABL's Eq. 5")),
        _cell(
            "iabl",
            {"loss/lovasz": 1.0, "loss/w_a": 1.0},
            weight_of_one("loss/w_a", "ABL's Eq. 5 on ADE20K"),
        ),
        _cell(
            "ifkl",
            {"loss/lovasz": 1.0, "loss/fkl": 1.0},
            weight_of_one("loss/fkl", "ABL's Eq. 7"),
        ),
        _cell("boundary_loss", {"loss/gdl": 1.0, "loss/bl": 0.01}, _of(REGION, "loss/bl")),
        _cell("semeda", {"loss/lambda_2": 1.0}, _LAMBDA_2),
        _cell("affinity_regression", {"loss/ar": 0.1}, _of(AFFINITY, "loss/ar")),
        *RIVAL_CELLS,
    ),
)
"""InverseForm is the paper's network; ``inverse_form_unexplained``, "InverseForm + unexplained", is
ours. The searches start from the weights of InverseForm's released code, of ABL's Eq. 5, of the
start of Kervadec's training and of SEMEDA's best row, and from AR's 0.1."""
