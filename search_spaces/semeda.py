"""SEMEDA: which layers of its edge network are matched, and how strongly."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension, Space


def _layer(number: int, high: float, why: str) -> Dimension:
    """A layer's weight over two decades, up to where its term is as large as the cross-entropy."""
    bounds = FloatDistribution(high / 100, high, log=True)
    return Dimension(path=f"loss/lambda_{number}", distribution=bounds, why=why)


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
        _layer(1, 1.0, "0 to 1 in the paper (Table 1); at 1 the mean is half of the cross-entropy"),
        _layer(
            2, 1.0, "1 in the paper's best row; at 1 the mean is 1 to 2 times the cross-entropy"
        ),
        _layer(3, 0.1, "0 to 1 in the paper; at 1 the mean is 9 to 22 times the cross-entropy"),
        Dimension(
            path="loss/edge_norm",
            distribution=CategoricalDistribution(("l1", "l2")),
            why='"L1 or L2" (4.3)',
        ),
        LEARNING_RATE,
    ),
)
