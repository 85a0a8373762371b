"""One arm for each loss and one for plain cross-entropy, all of the same budget."""

from optuna.distributions import FloatDistribution

from search_spaces.affinity import AFFINITY
from search_spaces.grid import Cell, Grid
from search_spaces.inverseform import INVERSEFORM
from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.region import REGION
from search_spaces.space import Dimension, Space, Value

ALL_LOSSES = Space(
    name="all_losses",
    question="Which loss is best on my data, each at its best weights, at equal budget?",
    cost="--trials trials of a search for every arm (0: none, the papers' weights), then every arm "
    "on every seed; a stage for each InverseForm and one for SEMEDA",
    dimensions=(),
)
"""Nothing is searched over all: each arm of the grid has a search of its own."""


def _of(space: Space, path: str) -> Dimension:
    return next(dimension for dimension in space.dimensions if dimension.path == path)


def _weight(path: str, source: str) -> Dimension:
    """A weight that a paper has at 1, a decade either way."""
    bounds = FloatDistribution(0.1, 10.0, log=True)
    return Dimension(path=path, distribution=bounds, why=f"1 in {source}; a decade either way")


_LAMBDA_2 = Dimension(
    path="loss/lambda_2",
    distribution=FloatDistribution(0.01, 1.0, log=True),
    why="1 in SEMEDA's best row of Table 1; Eq. 6 sums over the channels of an embedding, 10 to 35 "
    "times a cross-entropy on the first two real datasets (docs/results.md), so two decades down",
)
_BETA, _GAMMA = _of(INVERSEFORM, "loss/beta"), _of(INVERSEFORM, "loss/gamma")
_INVERSE_FORM: dict[str, Value] = {
    "loss/beta": 0.3,
    "loss/gamma": 0.3,
    "loss/tile_reduction": "mean",
}

ARMS = Grid(
    name="arms",
    question=ALL_LOSSES.question,
    source="each loss from its paper's weights; no paper compares them all",
    baseline="cross_entropy",
    cells=(
        Cell(name="cross_entropy", changes={}, searched=(LEARNING_RATE,)),
        Cell(
            name="balanced_cross_entropy",
            changes={"loss/class_weights": "frequency"},
            searched=(LEARNING_RATE,),
        ),
        Cell(name="boundary_head", changes={"loss/beta": 0.3}, searched=(LEARNING_RATE, _BETA)),
        Cell(name="inverse_form", changes=_INVERSE_FORM, searched=(LEARNING_RATE, _BETA, _GAMMA)),
        Cell(
            name="inverse_form_geodesic",
            changes={**_INVERSE_FORM, "loss/distance": "geodesic"},
            searched=(LEARNING_RATE, _BETA, _GAMMA),
        ),
        Cell(
            name="lovasz",
            changes={"loss/lovasz": 1.0},
            searched=(LEARNING_RATE, _weight("loss/lovasz", "ABL's Eq. 5")),
        ),
        Cell(
            name="iabl",
            changes={"loss/lovasz": 1.0, "loss/w_a": 1.0},
            searched=(LEARNING_RATE, _weight("loss/w_a", "ABL's Eq. 5 on ADE20K")),
        ),
        Cell(
            name="ifkl",
            changes={"loss/lovasz": 1.0, "loss/fkl": 1.0},
            searched=(LEARNING_RATE, _weight("loss/fkl", "ABL's Eq. 7")),
        ),
        Cell(
            name="boundary_loss",
            changes={"loss/gdl": 1.0, "loss/bl": 0.01},
            searched=(LEARNING_RATE, _of(REGION, "loss/bl")),
        ),
        Cell(
            name="semeda",
            changes={"loss/lambda_2": 1.0},
            searched=(LEARNING_RATE, _LAMBDA_2),
        ),
        Cell(
            name="affinity_regression",
            changes={"loss/ar": 0.1},
            searched=(LEARNING_RATE, _of(AFFINITY, "loss/ar")),
        ),
    ),
)
"""Weights that a search starts from: InverseForm's released code; ABL Eq. 5; Kervadec's start;
SEMEDA's best; AR's 0.1."""
