"""SEMEDA: which layers of its edge network are matched, and how strongly."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension, Space


def _layer(number: int) -> Dimension:
    return Dimension(
        path=f"loss/lambda_{number}",
        distribution=FloatDistribution(0.01, 1.0, log=True),
        why="0 to 1 in the paper (Table 1, best 0, 1, 0), which does not say in which scale; a "
        "mean over channels at 1 is about the cross-entropy itself, so two decades down",
    )


SEMEDA = Space(
    name="semeda",
    question="Which layers of the edge network should predicted and true masks agree in, before or "
    "after the ReLU, for the best segmentation?",
    cost="one stage (20 s), then a few small convolutions more per step than plain training",
    base={"loss/edge_reduction": "mean"},
    dimensions=(
        Dimension(
            path="loss/edge",
            distribution=CategoricalDistribution(("before_relu", "after_relu")),
            why="Table 1: before the ReLU 66.0, after it 65.5 (lambda 1, 0, 0)",
        ),
        _layer(1),
        _layer(2),
        _layer(3),
        Dimension(
            path="loss/edge_norm",
            distribution=CategoricalDistribution(("l1", "l2")),
            why='"L1 or L2" (4.3)',
        ),
        LEARNING_RATE,
    ),
)
