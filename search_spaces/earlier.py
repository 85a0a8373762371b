"""Spaces as they were before InverseForm's network was the paper's and SEMEDA's sum had a mean.

A ledger names its space; these are the ones that its trials were drawn from.
"""

from dataclasses import replace

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.inverseform import INVERSEFORM
from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.semeda import SEMEDA
from search_spaces.space import Dimension, Space

_NETWORK = Dimension(
    path="inverse_net/network",
    distribution=CategoricalDistribution(("dense", "aet")),
    why="Table 5: a dense network beside AET's convolutions; both were Edgewise's own",
)
_LAYERS = tuple(
    Dimension(
        path=f"loss/lambda_{number}",
        distribution=FloatDistribution(0.0, 1.0),
        why="the paper tries 0 to 1 a layer (Table 1); best 0, 1, 0",
    )
    for number in (1, 2, 3)
)

EARLIER: dict[str, Space] = {
    "inverseform": replace(
        INVERSEFORM,
        dimensions=(
            *(own for own in INVERSEFORM.dimensions if own != LEARNING_RATE),
            _NETWORK,
            LEARNING_RATE,
        ),
    ),
    "semeda": replace(SEMEDA, base={}, dimensions=(SEMEDA.dimensions[0], *_LAYERS, LEARNING_RATE)),
}
"""By name; the other spaces are as they were."""
