"""InverseForm's Tables 1, 4 and 5 (Borse et al., CVPR 2021).

The paper gives the weights of Eq. 6 in its appendix only; these are the released code's.
"""

from search_spaces.grid import Cell, Changes, Grid, percent

PAPER: Changes = {"loss/beta": 0.3, "loss/gamma": 0.3, "loss/tile_reduction": "mean"}
"""With the defaults of ``inverse_net``: the paper's network, nothing added."""

UNEXPLAINED: Changes = {
    **PAPER,
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
            changes=PAPER,
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
            changes=PAPER,
            published=percent("HRNet-OCR, Cityscapes test, F+C", miou=84.8)
            | percent("HMS, Cityscapes test, F+C", miou=85.6)
            | percent("GSCNN, Cityscapes val, F", miou=82.6)
            | percent("HMS, Cityscapes val, F+C", miou=87.0),
        ),
        Cell(
            name="InverseForm, coarse labels too",
            changes=PAPER,
            published=percent("GSCNN, Cityscapes val, F+C", miou=84.0),
            needs=_COARSE,
        ),
    ),
)


def _t5(name: str, network: str, distance: str, w48: float = 0, w18: float = 0) -> Cell:
    changes = {**PAPER, "inverse_net/network": network, "loss/distance": distance}
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

GRIDS = (TABLE1, TABLE4, TABLE5)
