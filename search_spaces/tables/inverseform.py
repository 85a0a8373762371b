"""InverseForm's Tables 1, 4 and 5 (Borse et al., CVPR 2021), and ablations of its settings.

The paper gives the weights of Eq. 6 in its appendix only; these are the released code's.
"""

from search_spaces.factors import Factor, full_factorial, one_at_a_time
from search_spaces.grid import Cell, Changes, Grid, percent

_PAPER: Changes = {"loss/beta": 0.3, "loss/gamma": 0.3, "loss/tile_reduction": "mean"}
"""With the defaults of ``inverse_net``: the paper's network, nothing added."""

UNEXPLAINED: Changes = {
    **_PAPER,
    "inverse_net/network": "dense",
    "inverse_net/unlike": True,
    "inverse_net/soften": True,
}
"""Ours: a network that sees blurred cells, is zero for equal tiles, and also says how much of the
prediction the transformation does not explain."""


_W18, _W48 = "HRNet-w18, NYUv2", "HRNet-w48, NYUv2"

TABLE1 = Grid(
    name="table1",
    question="Does InverseForm on a boundary head help plain segmentation?",
    source="InverseForm (Borse et al., CVPR 2021), Table 1, single-task rows",
    baseline="S",
    cells=(
        Cell(
            name="S",
            changes={},
            published=percent(_W18, miou=33.18, mba=37.46) | percent(_W48, miou=45.70, mba=56.01),
        ),
        Cell(
            name="S+E, InverseForm",
            changes=_PAPER,
            published=percent(_W18, miou=34.79, mba=40.72) | percent(_W48, miou=47.42, mba=59.34),
        ),
    ),
)

_COARSE = "Cityscapes' coarse annotations, which Edgewise does not read"

TABLE4 = Grid(
    name="table4",
    question="Does InverseForm still help where the network is strong?",
    source="InverseForm (Borse et al., CVPR 2021), Table 4, own rows and their baselines",
    baseline="baseline",
    cells=(
        Cell(
            name="baseline",
            changes={},
            published=percent("HRNet-OCR, Cityscapes test, F+C", miou=84.2)
            | percent("HMS, Cityscapes test, F+C", miou=85.1)
            | percent("GSCNN, Cityscapes val, F", miou=81.0)
            | percent("HMS, Cityscapes val, F+C", miou=86.7),
        ),
        Cell(
            name="InverseForm",
            changes=_PAPER,
            published=percent("HRNet-OCR, Cityscapes test, F+C", miou=84.8)
            | percent("HMS, Cityscapes test, F+C", miou=85.6)
            | percent("GSCNN, Cityscapes val, F", miou=82.6)
            | percent("HMS, Cityscapes val, F+C", miou=87.0),
        ),
        Cell(
            name="InverseForm, coarse labels too",
            changes=_PAPER,
            published=percent("GSCNN, Cityscapes val, F+C", miou=84.0),
            needs=_COARSE,
        ),
    ),
)


def _t5(name: str, network: str, distance: str, w48: float = 0, w18: float = 0) -> Cell:
    changes = {**_PAPER, "inverse_net/network": network, "loss/distance": distance}
    figures = percent(_W48, miou=w48) | percent(_W18, miou=w18) if w48 else {}
    return Cell(name=name, changes=changes, published=figures)


TABLE5 = Grid(
    name="table5",
    question="Which network and which distance should judge the inverse transformation?",
    source="InverseForm (Borse et al., CVPR 2021), Table 5, and networks of ours beside it",
    baseline="AET, Euclidean",
    cells=(
        _t5("AET, Euclidean", "aet", "euclidean", 47.03, 33.97),
        _t5("AET, geodesic", "aet", "geodesic", 47.19, 33.82),
        _t5("InverseForm, Euclidean", "plain", "euclidean", 47.42, 34.79),
        _t5("InverseForm, geodesic", "plain", "geodesic", 47.28, 34.84),
        _t5("ours: AET, maps meet, Euclidean", "aet_dense", "euclidean"),
        _t5("ours: dense, Euclidean", "dense", "euclidean"),
        Cell(name="ours: InverseForm + unexplained", changes=UNEXPLAINED),
    ),
)
"""A network is trained by the distance that measures. AET's starts from random weights here; the
paper fine-tunes AET's own, which were trained on images."""

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
        Cell(name="plausible errors of a boundary", changes=_PAPER),
        Cell(name="AET's", changes={**_PAPER, **_AET_RANGES}),
        Cell(
            name="shifts alone",
            changes={
                **_PAPER,
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
        Cell(name="random", changes={**_PAPER, "inverse_net/pairs": "random"}),
        Cell(name="spatial transformer", changes={**_PAPER, "inverse_net/pairs": "stn"}),
        Cell(
            name="random, softened (ours)",
            changes={**_PAPER, "inverse_net/pairs": "random", "inverse_net/soften": True},
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
        Cell(name="none", changes={"loss/beta": 0.3}),
        Cell(name="InverseForm", changes=_PAPER),
        Cell(name="InverseForm + unexplained", changes=UNEXPLAINED),
    ),
)

_GAMMAS = (0.03, 0.3, 3.0, 30.0)

GEODESIC = Grid(
    name="geodesic",
    question="Up to which weight does a training with the geodesic distance survive?",
    source="InverseForm (Borse et al., CVPR 2021), 5: Eq. 3 as printed explodes; ours is bounded",
    baseline="bounded, gamma 0.3",
    cells=tuple(
        Cell(
            name=f"{form}, gamma {gamma:g}",
            changes={
                **_PAPER,
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
        {**_PAPER, "loss/tile": 32},
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

GRIDS = (TABLE1, TABLE4, TABLE5, TILE, BETA_GAMMA, RANGES, PAIRS, UNLIKE, GEODESIC)
