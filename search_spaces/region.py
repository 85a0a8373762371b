"""Region losses with and without Kervadec's boundary loss, with which ABL is compared."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension, Space

REGION = Space(
    name="region",
    question="Which weights of Lovasz, generalised Dice and Kervadec's boundary loss beside "
    "cross-entropy give the best segmentation?",
    cost="no stage; a signed distance map per class and image unless bl is off",
    dimensions=(
        Dimension(
            path="loss/lovasz",
            distribution=FloatDistribution(0.0, 2.0),
            why="1 in ABL's Eq. 5, beside cross-entropy at 1; 0 is without it",
        ),
        Dimension(
            path="loss/gdl",
            distribution=FloatDistribution(0.0, 2.0),
            why="1 at the start of Kervadec's training (Kervadec et al., MIDL 2019); 0 is without",
        ),
        Dimension(
            path="loss/bl",
            distribution=FloatDistribution(0.001, 1.0, log=True),
            why="Kervadec et al. raise it from 0.01 by 0.01 an epoch; its values are pixels, so "
            "the largest weight is 1",
        ),
        Dimension(
            path="loss/region_classes",
            distribution=CategoricalDistribution(("all", "foreground")),
            why="the authors' data is a lesion on background; a scene has no background class",
        ),
        LEARNING_RATE,
    ),
)
