"""The weights of InverseForm's Eq. 6 (Borse et al., CVPR 2021)."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension, Space

INVERSEFORM = Space(
    name="inverseform",
    question="Which weights of boundary cross-entropy (beta) and InverseForm (gamma), on tiles of "
    "which size and by which distance, give the best segmentation?",
    cost="about that of plain training per trial; the first trial of each tile and distance trains "
    "a stage first (6 in all, 5 to 30 s each)",
    base={"loss/tile_reduction": "mean"},
    dimensions=(
        Dimension(
            path="loss/beta",
            distribution=FloatDistribution(0.1, 10.0, log=True),
            why="released code 0.3; GSCNN weighs the same term 20; the paper calls it a "
            "hyperparameter (Eq. 6)",
        ),
        Dimension(
            path="loss/gamma",
            distribution=FloatDistribution(0.01, 1.0, log=True),
            why="released code 0.3 for the mean over tiles, which keeps its scale when the tile "
            "size changes",
        ),
        Dimension(
            path="loss/tile",
            distribution=CategoricalDistribution((8, 16, 32)),
            why="local against global context (3.4); released code 224 of 672 rows, a third; "
            "these are a sixth to two thirds of the built-in data's 48 rows",
        ),
        Dimension(
            path="loss/distance",
            distribution=CategoricalDistribution(("euclidean", "geodesic")),
            why="Table 5 finds no clear winner; the paper's geodesic exploded, ours does not",
        ),
        Dimension(
            path="loss/lambda_geo",
            distribution=FloatDistribution(0.01, 1.0, log=True),
            why="weight of the projection residual, 0.1 in the paper (Eq. 3)",
            when=("loss/distance", "geodesic"),
        ),
        LEARNING_RATE,
    ),
)
"""The network is the paper's, trained by the distance that measures. Other networks, ours among
them, are compared by the grid ``table5``, not searched: four fixed networks are an ablation."""
