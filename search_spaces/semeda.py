"""SEMEDA: which layers of its edge network are matched, and how strongly."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension, Space

_LAYER = "the paper tries 0 to 1 a layer (Table 1); best 0, 1, 0"

SEMEDA = Space(
    name="semeda",
    question="Which layers of the edge network should predicted and true masks agree in, before or "
    "after the ReLU, for the best segmentation?",
    cost="one stage (20 s), then a few small convolutions more per step than plain training",
    dimensions=(
        Dimension(
            path="loss/edge",
            distribution=CategoricalDistribution(("before_relu", "after_relu")),
            why="Table 1: before the ReLU 66.0, after it 65.5 (lambda 1, 0, 0)",
        ),
        Dimension(path="loss/lambda_1", distribution=FloatDistribution(0.0, 1.0), why=_LAYER),
        Dimension(path="loss/lambda_2", distribution=FloatDistribution(0.0, 1.0), why=_LAYER),
        Dimension(path="loss/lambda_3", distribution=FloatDistribution(0.0, 1.0), why=_LAYER),
        LEARNING_RATE,
    ),
)
