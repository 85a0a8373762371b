"""Affinity Regression (Cao et al., arXiv 2103.04990)."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension, Space

AFFINITY = Space(
    name="affinity",
    question="Which weight of Affinity Regression (lambda), on which affinity, gives the best "
    "segmentation?",
    cost="no stage; two small matrices per image: about the cost of plain training",
    dimensions=(
        Dimension(
            path="loss/ar",
            distribution=FloatDistribution(0.01, 10.0, log=True),
            why="0.1 in the paper, which fine-tunes a trained network; from the first step on the "
            "term may be larger, so two decades upward and one down",
        ),
        Dimension(
            path="loss/ar_kernel",
            distribution=CategoricalDistribution(("square_root", "dot_product")),
            why="the paper argues for the square root (a pixel is like itself) and does not "
            "measure the other",
        ),
        LEARNING_RATE,
    ),
)
