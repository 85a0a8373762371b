"""The learning rate, which every space searches beside the weights of its losses."""

from optuna.distributions import FloatDistribution

from search_spaces.space import Dimension

LEARNING_RATE = Dimension(
    path="optim/lr",
    distribution=FloatDistribution(5e-4, 1e-2, log=True),
    why="the rate absorbs the scale of the summed loss, so it is searched with the weights",
)
