"""Ablations of InverseForm that its paper has in its appendix, or not at all."""

from search_spaces.factors import Factor, full_factorial, one_at_a_time
from search_spaces.grid import Cell, Changes, Grid
from search_spaces.tables.inverseform import PAPER, UNEXPLAINED

_AET_RANGES: Changes = {
    "inverse_net/rotation": 180.0,
    "inverse_net/shear": 30.0,
    "inverse_net/zoom": 0.3,
    "inverse_net/shift": 0.2,
    "inverse_net/corners": 0.125,
}

RANGES = Grid(
    name="ranges",
    question="How large are the transformations from which the inverse network should learn?",
    source="AET (Zhang et al., CVPR 2019), whose ranges are larger; InverseForm's are in its "
    "appendix only",
    baseline="plausible errors of a boundary",
    cells=(
        Cell(name="plausible errors of a boundary", changes=PAPER),
        Cell(name="AET's", changes={**PAPER, **_AET_RANGES}),
        Cell(
            name="shifts alone",
            changes={
                **PAPER,
                "inverse_net/rotation": 0.0,
                "inverse_net/shear": 0.0,
                "inverse_net/zoom": 0.0,
            },
        ),
    ),
)

PAIRS = Grid(
    name="pairs",
    question="Should a spatial transformer or chance make the pairs that the network learns from?",
    source="InverseForm (Borse et al., CVPR 2021), 3.4, which has the spatial transformer",
    baseline="random",
    cells=(
        Cell(name="random", changes={**PAPER, "inverse_net/pairs": "random"}),
        Cell(name="spatial transformer", changes={**PAPER, "inverse_net/pairs": "stn"}),
        Cell(
            name="random, softened (ours)",
            changes={**PAPER, "inverse_net/pairs": "random", "inverse_net/soften": True},
        ),
    ),
)

UNLIKE = Grid(
    name="unexplained",
    question="What does the output add that is ours: how much the transformation leaves "
    "unexplained?",
    source="Edgewise; the paper's distance is the transformation alone (Eq. 1)",
    baseline="InverseForm",
    cells=(
        Cell(name="boundary head alone", changes={"loss/beta": 0.3}),
        Cell(name="InverseForm", changes=PAPER),
        Cell(name="InverseForm + unexplained", changes=UNEXPLAINED),
    ),
)

OUTPUT = Grid(
    name="output",
    question="Would a network that regresses the distance itself do as well?",
    source="InverseForm (Borse et al., CVPR 2021), end of 3.2, which says that it would not",
    baseline="transformation",
    cells=(
        Cell(name="transformation", changes=PAPER),
        Cell(name="distance", changes={**PAPER, "inverse_net/output": "distance"}),
    ),
)

BOUNDARY_INPUT = Grid(
    name="boundary_input",
    question="Should the classifier see the boundary head's map beside the features?",
    source='InverseForm (Borse et al., CVPR 2021), 3.5: "Optionally, this boundary map could be '
    'concatenated with the features"; its experiments leave that out, "to ensure zero '
    'computational overhead"',
    baseline="InverseForm",
    cells=(
        Cell(name="boundary head alone", changes={"loss/beta": 0.3}),
        Cell(name="InverseForm", changes=PAPER),
        Cell(
            name="boundary head alone, map concatenated",
            changes={"loss/beta": 0.3, "model/boundary_input": True},
        ),
        Cell(name="InverseForm, map concatenated", changes={**PAPER, "model/boundary_input": True}),
    ),
)

RIVALS = Grid(
    name="rivals",
    question="Is InverseForm better than the other ways to measure how far a boundary is?",
    source="InverseForm (Borse et al., CVPR 2021), 3.1: a Hausdorff distance could model it, but "
    "not efficiently; a correlation only translations. Their weights here are ours",
    baseline="boundary head alone",
    cells=(
        Cell(name="boundary head alone", changes={"loss/beta": 0.3}),
        Cell(name="InverseForm", changes=PAPER),
        Cell(name="Hausdorff loss", changes={"loss/beta": 0.3, "loss/hausdorff": 0.01}),
        Cell(name="correlation", changes={"loss/beta": 0.3, "loss/correlation": 0.1}),
    ),
)

RELEASED = Grid(
    name="released",
    question="What do the released code's settings change?",
    source="the authors' code: class weights, boundaries by radius, a cross-entropy where the "
    "boundary head is sure; balanced over the batch",
    baseline="the paper's",
    cells=(
        Cell(name="the paper's", changes=PAPER),
        Cell(name="+ edge attention", changes={**PAPER, "loss/edge_attention": 0.1}),
        Cell(
            name="all but the size",
            changes={
                **PAPER,
                "loss/edge_attention": 0.1,
                "loss/class_weights": "frequency",
                "loss/boundary": "radius",
                "loss/variant": "released",
            },
        ),
    ),
)
"""The released maps of 672x1344 with tiles of 224 need hundreds of megabytes for the network:
``--set loss/resize=672x1344 --set loss/tile=224 --set loss/variant=released``."""

_GAMMAS = (0.03, 0.3, 3.0, 30.0)

GEODESIC = Grid(
    name="geodesic",
    question="Up to which weight does a training with the geodesic distance survive?",
    source="InverseForm (Borse et al., CVPR 2021), 5: Eq. 3 can lead to exploding gradients; "
    "ours is bounded",
    baseline="bounded, gamma 0.3",
    cells=tuple(
        Cell(
            name=f"{form}, gamma {gamma:g}",
            changes={
                **PAPER,
                "loss/gamma": gamma,
                "loss/distance": "geodesic",
                "loss/geodesic": form,
            },
        )
        for gamma in _GAMMAS
        for form in ("bounded", "printed")
    ),
)
"""A diverged trial is counted as failed in the report, cell by cell."""

TILE = Grid(
    name="tile",
    question="Which tile size gives InverseForm the right context?",
    source="InverseForm (Borse et al., CVPR 2021), 3.4: local against global context",
    baseline="baseline",
    cells=one_at_a_time(
        [Factor(name="tile", levels={str(tile): {"loss/tile": tile} for tile in (16, 24, 48)})],
        {**PAPER, "loss/tile": 32},
    ),
)

BETA_GAMMA = Grid(
    name="beta_gamma",
    question="Which of boundary cross-entropy (beta) and InverseForm (gamma) does the work?",
    source="InverseForm (Borse et al., CVPR 2021), Eq. 6: each of its terms alone and together",
    baseline="none",
    cells=full_factorial(
        [
            Factor(name="beta", levels={"beta": {"loss/beta": 0.3}}),
            Factor(
                name="gamma",
                levels={"gamma": {"loss/gamma": 0.3, "loss/tile_reduction": "mean"}},
            ),
        ]
    ),
)

GRIDS = (
    TILE,
    BETA_GAMMA,
    RANGES,
    PAIRS,
    UNLIKE,
    GEODESIC,
    OUTPUT,
    BOUNDARY_INPUT,
    RIVALS,
    RELEASED,
)
