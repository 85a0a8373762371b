"""SEMEDA's edge-aware loss (Chen, Dapogny and Cord), Eq. 6 and 7."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.space import Dimension, Space

_LAYERS = "Table 1 tries 0.25, 0.5 and 1 in every layer; 0 switches a layer off, 2 is one step past"

SEMEDA = Space(
    name="semeda",
    question="Which layers of the edge network (lambda_1..3), before or after their ReLU, should "
    "predicted and true masks be compared in?",
    cost="one stage (the edge network, trained once), then two passes through it a step",
    dimensions=(
        Dimension(
            path="loss/edge",
            distribution=CategoricalDistribution(("before_relu", "after_relu")),
            why="Table 1: 66.6 before, 65.9 after",
        ),
        Dimension(path="loss/lambda_1", distribution=FloatDistribution(0.0, 2.0), why=_LAYERS),
        Dimension(path="loss/lambda_2", distribution=FloatDistribution(0.0, 2.0), why=_LAYERS),
        Dimension(path="loss/lambda_3", distribution=FloatDistribution(0.0, 2.0), why=_LAYERS),
        Dimension(
            path="optim/lr",
            distribution=FloatDistribution(5e-4, 1e-2, log=True),
            why="the rate absorbs the scale of the summed loss, so it is searched with the weights",
        ),
    ),
)
