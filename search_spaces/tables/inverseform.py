"""InverseForm's Tables 1, 4 and 5 (Borse et al., CVPR 2021), and ablations of its settings.

The paper gives the weights of Eq. 6 in its appendix only; these are the released code's.
"""

from search_spaces.factors import Factor, full_factorial, one_at_a_time
from search_spaces.grid import Cell, Changes, Grid, percent

_OURS: Changes = {"loss/beta": 0.3, "loss/gamma": 0.3, "loss/tile_reduction": "mean"}


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
            changes=_OURS,
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
            changes=_OURS,
            published=percent("HRNet-OCR, Cityscapes test, F+C", miou=84.8)
            | percent("HMS, Cityscapes test, F+C", miou=85.6)
            | percent("GSCNN, Cityscapes val, F", miou=82.6)
            | percent("HMS, Cityscapes val, F+C", miou=87.0),
        ),
        Cell(
            name="InverseForm, coarse labels too",
            changes=_OURS,
            published=percent("GSCNN, Cityscapes val, F+C", miou=84.0),
            needs=_COARSE,
        ),
    ),
)


def _t5(name: str, network: str, distance: str, w48: float, w18: float) -> Cell:
    changes = {**_OURS, "inverse_net/network": network, "loss/distance": distance}
    figures = percent(_W48, miou=w48) | percent(_W18, miou=w18)
    return Cell(name=name, changes=changes, published=figures)


TABLE5 = Grid(
    name="table5",
    question="Which network and which distance should judge the inverse transformation?",
    source="InverseForm (Borse et al., CVPR 2021), Table 5",
    baseline="AET, Euclidean",
    cells=(
        _t5("AET, Euclidean", "aet", "euclidean", 47.03, 33.97),
        _t5("AET, geodesic", "aet", "geodesic", 47.19, 33.82),
        _t5("dense, Euclidean", "dense", "euclidean", 47.42, 34.79),
        _t5("dense, geodesic", "dense", "geodesic", 47.28, 34.84),
    ),
)

TILE = Grid(
    name="tile",
    question="Which tile size gives InverseForm the right context?",
    source="InverseForm (Borse et al., CVPR 2021), 3.4: local against global context",
    baseline="baseline",
    cells=one_at_a_time(
        [Factor(name="tile", levels={str(tile): {"loss/tile": tile} for tile in (16, 24, 48)})],
        {**_OURS, "loss/tile": 32},
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

GRIDS = (TABLE1, TABLE4, TABLE5, TILE, BETA_GAMMA)
