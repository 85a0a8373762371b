"""Active Boundary Loss beside cross-entropy and Lovasz (Wang et al., AAAI 2022, Eq. 5)."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension, Space

ACTIVE_BOUNDARY = Space(
    name="active_boundary",
    question="Which weight of Active Boundary Loss (w_a), with which reach, boundary share and "
    "smoothing, gives the best segmentation?",
    cost="no stage; per image, a distance map and a 3x3 comparison: up to twice plain training",
    base={"loss/lovasz": 1.0},
    dimensions=(
        Dimension(
            path="loss/w_a",
            distribution=FloatDistribution(0.1, 10.0, log=True),
            why="the paper has 1.0 (ADE20K), 1.5 (Cityscapes) and 5.0 (video): a decade around "
            "their middle either way",
        ),
        Dimension(
            path="loss/theta",
            distribution=FloatDistribution(2.0, 40.0, log=True),
            why="20 px in the paper (Eq. 4) for 512 rows and more; on small images the same share "
            "of a side is 2 to 5 px; twice the paper's as the other end",
        ),
        Dimension(
            path="loss/abl_ratio",
            distribution=FloatDistribution(0.003, 0.05, log=True),
            why="released code 0.01 of the pixels, at any resolution; the share of true boundary "
            "is a few per cent on small images",
        ),
        Dimension(
            path="loss/abl_smoothing",
            distribution=CategoricalDistribution((0.0, 0.1, 0.2, 0.4)),
            why="0.2 'determined through experiments' that the paper does not show; none, half "
            "and twice of it",
        ),
        Dimension(
            path="loss/detach",
            distribution=CategoricalDistribution((True, False)),
            why="without it 76.0 instead of 80.5 mIoU (Table 1): does that hold here?",
        ),
        LEARNING_RATE,
    ),
)
"""When ABL starts (``loss/schedule``) is compared by the grid ``schedule``, not searched: three
fixed rules are an ablation."""
