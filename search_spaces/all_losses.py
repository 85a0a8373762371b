"""One arm for each loss and one for plain cross-entropy, all of the same budget."""

from search_spaces.grid import Cell, Grid
from search_spaces.space import Space

ALL_LOSSES = Space(
    name="all_losses",
    question="Which loss is best on my data, at its paper's weights and at equal budget?",
    cost="every arm the same epochs and seeds; a stage for InverseForm and one for SEMEDA",
    dimensions=(),
)
"""Nothing is searched: the arms are a grid."""

ARMS = Grid(
    name="arms",
    question=ALL_LOSSES.question,
    source="each loss at its paper's weights; no paper compares them all",
    baseline="cross_entropy",
    cells=(
        Cell(name="cross_entropy", changes={}),
        Cell(name="lovasz", changes={"loss/lovasz": 1.0}),
        Cell(name="active_boundary", changes={"loss/lovasz": 1.0, "loss/w_a": 1.0}),
        Cell(name="full_divergence", changes={"loss/lovasz": 1.0, "loss/fkl": 1.0}),
        Cell(name="generalised_dice", changes={"loss/gdl": 1.0}),
        Cell(name="boundary_loss", changes={"loss/gdl": 1.0, "loss/bl": 0.01}),
        Cell(name="boundary_cross_entropy", changes={"loss/beta": 0.3}),
        Cell(
            name="inverse_form",
            changes={"loss/beta": 0.3, "loss/gamma": 0.3, "loss/tile_reduction": "mean"},
        ),
        Cell(name="edge_head", changes={"loss/edge": "multi_task", "loss/lambda_1": 1.0}),
        Cell(name="semeda", changes={"loss/lambda_2": 1.0}),
        Cell(name="affinity_regression", changes={"loss/ar": 0.1}),
    ),
)
"""Weights: InverseForm's released code; ABL Eq. 5 (ADE20K's w_a); SEMEDA's best; AR 0.1; Kervadec's
start."""
