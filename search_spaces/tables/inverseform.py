"""InverseForm's Tables 1, 4 and 5 (Borse et al., CVPR 2021).

The paper gives the weights of Eq. 6 in its appendix only; these are the released code's.
"""

from search_spaces.grid import Cell, Changes, Grid, percent
from search_spaces.setup import AS_THEY_ARE, Setup
from search_spaces.tables import gscnn, inverseform_tasks
from search_spaces.tables.tasks import ON_EDGES, PAPER

UNEXPLAINED: Changes = {
    **PAPER,
    "inverse_net/network": "dense",
    "inverse_net/unlike": True,
    "inverse_net/soften": True,
}
"""Ours: a network that sees blurred cells, is zero for equal tiles, and also says how much of the
prediction the transformation does not explain."""
_NYUV2 = {"train": 795, "test": 654}


def _hrnet(width: str) -> Setup:
    return Setup(
        name=f"HRNet-{width}, NYUv2",
        network=f"HRNet-{width}",
        dataset="NYUv2",
        images="test",
        config={
            **AS_THEY_ARE,
            "data/dataset": "nyuv2",
            "model/network": f"hrnet_{width}",
            "model/weights": "imagenet",
        },
        counts=_NYUV2,
        recipe="inverseform_nyuv2",
    )


def _multi_task(name: str, network: str) -> Setup:
    """The public code's copy of the same images has the edges and normals; its list is ``val``."""
    return Setup(
        name=f"{name}, NYUv2",
        network=name,
        dataset="NYUv2",
        images="test",
        config={
            **AS_THEY_ARE,
            "data/dataset": "nyud_mt",
            "model/network": network,
            "model/encoder": "hrnet_w18_small_v2",
            "model/weights": "imagenet",
        },
        counts=_NYUV2,
        recipe="mti_net_nyud",
    )


_W18, _W48 = "HRNet-w18, NYUv2", "HRNet-w48, NYUv2"
_PAD, _MTI = "PAD-HRNet18, NYUv2", "MTI-HRNet18, NYUv2"
_TASKS = "S+D+E+N"
"""Segmentation, depth, edges and normals."""
_FOUR: Changes = {"task/tasks": "semseg,edge,depth,normals"}


def _tasks(
    name: str,
    changes: Changes,
    pad: tuple[float, float],
    mti: tuple[float, float],
    against: str = "",
) -> Cell:
    """A row of PAD-Net and MTI-Net; those without InverseForm are baselines of their own."""
    figures = percent(_PAD, miou=pad[0], mba=pad[1]) | percent(_MTI, miou=mti[0], mba=mti[1])
    return Cell(name=name, changes=changes, published=figures, against=against or name)


TABLE1 = Grid(
    name="table1",
    question="Does InverseForm on a boundary head, or on the edge task, help segmentation?",
    source="InverseForm (Borse et al., CVPR 2021), Table 1",
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
        _tasks("S+D", {"task/tasks": "semseg,depth"}, (32.80, 38.10), (35.12, 42.44)),
        _tasks(_TASKS, _FOUR, (33.10, 42.69), (37.49, 43.26)),
        _tasks(
            f"{_TASKS}, InverseForm", {**_FOUR, **ON_EDGES}, (34.70, 43.24), (38.71, 45.59), _TASKS
        ),
    ),
    setups=(
        _hrnet("w18"),
        _hrnet("w48"),
        _multi_task("PAD-HRNet18", "pad_net"),
        _multi_task("MTI-HRNet18", "mti_net"),
    ),
)
"""The paper's mBA is its own implementation of CascadePSP's, which is not released. All four tasks
are outputs here; the public code of MTI-Net predicts edges and normals initially only, and nobody
has published to which of its predictions InverseForm was added, or with which weight."""

_MAPILLARY = "ImageNet, then Mapillary Vistas"
_FINE, _BOTH = "fine annotations", "fine and coarse annotations"
_GENERATED = "the labels that HMS generated for coarse images"
_SERVER = "Cityscapes' test labels, which only its server has"


_HOSTS = {"HRNet-OCR": "hrnet_w48_ocr", "HMS": "hms_hrnet_w48_ocr", "GSCNN": gscnn.NETWORK}
"""The networks of Table 4 that are here."""


def _cityscapes(network: str, images: str, data: str, missing: str = "", recipe: str = "") -> Setup:
    """All networks of Table 4 are pre-trained on Mapillary; coarse labels are partly generated."""
    lacks = [missing, _SERVER if images == "test" else "", "weights trained on Mapillary Vistas"]
    short = "F+C" if data == _BOTH else "F"
    return Setup(
        name=f"{network}, Cityscapes {images}, {short}",
        network=network,
        dataset="Cityscapes",
        images=images,
        protocol="multi-scale",
        weights=f"{_MAPILLARY}; {data}",
        needs=", ".join(filter(None, lacks)),
        recipe=recipe,
        config={"data/dataset": "cityscapes", "model/network": _HOSTS[network]} if recipe else {},
    )


_COARSE = "Cityscapes' coarse labels, which Edgewise does not read"
_WRN41 = "Naive-student on WideResNet-41, which Edgewise does not have"
_OCR_F = "HRNet-OCR, Cityscapes test, F+C"
_HMS_TEST, _HMS_VAL = "HMS, Cityscapes test, F+C", "HMS, Cityscapes val, F+C"
_GSCNN_TEST, _GSCNN_VAL = "GSCNN, Cityscapes test, F", "GSCNN, Cityscapes val, F"
_ON_SHAPES: Changes = {**gscnn.LOSSES, "loss/gamma": 0.3, "loss/tile_reduction": "mean"}
"""InverseForm on the shape stream's edges, beside GSCNN's own losses."""

TABLE4 = Grid(
    name="table4",
    question="Does InverseForm still help where the network is strong?",
    source="InverseForm (Borse et al., CVPR 2021), Table 4",
    baseline="baseline",
    cells=(
        Cell(
            name="baseline",
            changes={},
            published=percent(_OCR_F, miou=84.2)
            | percent(_HMS_TEST, miou=85.1)
            | percent(_HMS_VAL, miou=86.7),
        ),
        Cell(
            name="InverseForm",
            changes=PAPER,
            published=percent(_OCR_F, miou=84.8)
            | percent(_HMS_TEST, miou=85.6)
            | percent(_HMS_VAL, miou=87.0),
        ),
        Cell(
            name=gscnn.NAME,
            changes=gscnn.LOSSES,
            published=percent(_GSCNN_TEST, miou=82.8) | percent(_GSCNN_VAL, miou=81.0),
            against=gscnn.NAME,
        ),
        Cell(
            name=f"{gscnn.NAME}, InverseForm",
            changes=_ON_SHAPES,
            published=percent(_GSCNN_VAL, miou=82.6),
            against=gscnn.NAME,
        ),
        Cell(
            name=f"{gscnn.NAME}, InverseForm, coarse labels too",
            changes=_ON_SHAPES,
            published=percent("GSCNN, Cityscapes val, F+C", miou=84.0),
            needs=_COARSE,
            against=gscnn.NAME,
        ),
        Cell(
            name="SegFix",
            changes={"refine/method": "segfix"},
            published=percent(_OCR_F, miou=84.5) | percent(_GSCNN_VAL, miou=81.5),
        ),
        Cell(
            name="Naive-student",
            changes={},
            published=percent("Naive-student, Cityscapes test, F+C", miou=85.2),
            needs=_WRN41,
        ),
    ),
    setups=(
        _cityscapes("HRNet-OCR", "test", _BOTH, recipe="inverseform_cityscapes"),
        _cityscapes("HMS", "test", _BOTH, _GENERATED, recipe="hms_cityscapes"),
        _cityscapes("HMS", "val", _BOTH, _GENERATED, recipe="hms_cityscapes"),
        _cityscapes("GSCNN", "test", _FINE, recipe=gscnn.RECIPE),
        _cityscapes("GSCNN", "val", _FINE, recipe=gscnn.RECIPE),
        _cityscapes("GSCNN", "val", _BOTH, _COARSE),
        _cityscapes("Naive-student", "test", _BOTH, _WRN41),
    ),
)
"""The paper does not print its protocol; "multi-scale" is that of the baselines' own papers."""


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
    setups=(_hrnet("w48"), _hrnet("w18")),
)
"""A network is trained by the distance that measures. AET's starts from random weights here; the
paper fine-tunes AET's own, which were trained on images."""

GRIDS = (TABLE1, inverseform_tasks.TABLE2, inverseform_tasks.TABLE3, TABLE4, TABLE5)
