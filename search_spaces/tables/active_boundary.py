"""Active Boundary Loss's Tables 1, 2, 8 and its decay experiment (Wang et al., AAAI 2022)."""

from search_spaces.grid import Cell, Grid, Published, percent
from search_spaces.setup import Setup
from search_spaces.tables import active_boundary_rivals, active_boundary_video
from search_spaces.tables.active_boundary_setups import (
    DEEPLAB,
    IABL,
    OCR_ADE20K,
    SWIN_ADE20K,
    W18S,
    multi_scale,
)

_T1 = DEEPLAB.name


def _t1(miou: float, accuracy: float) -> Published:
    return percent(_T1, miou=miou, pixel_accuracy=accuracy)


TABLE1 = Grid(
    name="table1",
    question="What does each term of CE + IoU + ABL add, and what does detaching save?",
    source="ABL (Wang et al., AAAI 2022), Table 1",
    baseline="CE",
    cells=(
        Cell(name="CE", changes={}, published=_t1(79.5, 96.3)),
        Cell(
            name="CE + ABL(20%)",
            changes={"loss/w_a": 1.5, "loss/schedule": "w_a from 0.8"},
            published=_t1(79.6, 96.3),
        ),
        Cell(name="CE + IoU", changes={"loss/lovasz": 1.0}, published=_t1(80.2, 96.3)),
        Cell(
            name="CE + IoU + BL",
            changes={"loss/lovasz": 1.0, "loss/bl": 0.01},
            published=_t1(80.2, 96.4),
        ),
        Cell(name="CE + IABL", changes=IABL, published=_t1(80.5, 96.4)),
        Cell(
            name="CE + IABL w/o detach",
            changes={**IABL, "loss/detach": False},
            published=_t1(76.0, 95.6),
        ),
    ),
    setups=(DEEPLAB,),
)
"""The paper does not give the weight of BL in CE + IoU + BL; BL's authors start with 0.01."""


def _t2(ocr: tuple[float, ...] = (), swin: tuple[float, ...] = ()) -> Published:
    """Single scale then multi-scale mIoU, single scale then multi-scale accuracy."""
    rows: dict[str, dict[str, float]] = {}
    for setup, row in ((OCR_ADE20K, ocr), (SWIN_ADE20K, swin)):
        if row:
            rows |= percent(setup.name, miou=row[0], pixel_accuracy=row[2])
            rows |= percent(multi_scale(setup).name, miou=row[1], pixel_accuracy=row[3])
    return rows


TABLE2 = Grid(
    name="table2",
    question="Does ABL help more where there are many classes, and does it need the boundary?",
    source="ABL (Wang et al., AAAI 2022), Table 2; w_a as for ADE20K",
    baseline="CE",
    cells=(
        Cell(
            name="CE",
            changes={},
            published=_t2((44.51, 45.66, 81.66, 82.20), (44.51, 45.81, 81.09, 81.96)),
        ),
        Cell(
            name="CE + IoU",
            changes={"loss/lovasz": 1.0},
            published=_t2((44.73, 46.54, 81.52, 82.29), (45.39, 47.15, 81.20, 82.22)),
        ),
        Cell(
            name="CE + IABL",
            changes={"loss/lovasz": 1.0, "loss/w_a": 1.0},
            published=_t2((45.38, 46.88, 81.63, 82.43), (45.98, 47.58, 81.34, 82.39)),
        ),
        Cell(
            name="CE + IFKL",
            changes={"loss/lovasz": 1.0, "loss/fkl": 1.0},
            published=_t2((45.11, 45.96, 81.61, 82.28)),
        ),
        Cell(
            name="CE + IoU + BL",
            changes={"loss/lovasz": 1.0, "loss/bl": 0.01},
            published=_t2(swin=(45.72, 47.50, 81.33, 82.39)),
        ),
    ),
    setups=(
        OCR_ADE20K,
        multi_scale(OCR_ADE20K),
        SWIN_ADE20K,
        multi_scale(SWIN_ADE20K),
    ),
)

_WMH = "Kervadec's network, WMH val"


def _t8(dice: float, hausdorff_mm: float) -> Published:
    return {_WMH: {"dice_volume": dice, "hausdorff_volume": hausdorff_mm}}


TABLE8 = Grid(
    name="table8",
    question="Beside generalised Dice, is ABL a better boundary loss than Kervadec's?",
    source="ABL (Wang et al., AAAI 2022), Table 8: alpha GDL + (1 - alpha) (BL or ABL)",
    baseline="GDL",
    cells=(
        Cell(name="GDL", changes={"loss/xe": 0.0, "loss/gdl": 1.0}, published=_t8(0.727, 1.045)),
        Cell(
            name="GDL + BL",
            changes={"loss/xe": 0.0, "loss/gdl": 1.0, "loss/bl": 1.0, "loss/alpha": "linear"},
            published=_t8(0.748, 0.987),
        ),
        Cell(
            name="GDL + ABL",
            changes={"loss/xe": 0.0, "loss/gdl": 1.0, "loss/w_a": 1.0, "loss/alpha": "linear"},
            published=_t8(0.768, 0.980),
        ),
    ),
    setups=(
        Setup(
            name=_WMH,
            network="the network of Kervadec et al.",
            dataset="WMH",
            images="val",
            protocol="Dice of the lesion and Hausdorff distance in mm, by volume",
            weights="random",
            needs="the network of Kervadec et al. and their split, which Edgewise does not have",
        ),
    ),
)
"""The paper defines neither DSC nor HD. Of a volume, as here, a Hausdorff distance of about 1 mm is
implausible: for five real predictions of DSC 0.81 to 0.93 it is 14 to 35 mm."""

SCHEDULE = Grid(
    name="schedule",
    question="When should ABL start?",
    source="the text on ABL's Table 1: gradients are of no use while boundaries lie far apart",
    baseline="from the start",
    cells=(
        Cell(name="from the start", changes=IABL),
        Cell(name="last 50 %", changes={**IABL, "loss/schedule": "w_a from 0.5"}),
        Cell(name="last 20 %", changes={**IABL, "loss/schedule": "w_a from 0.8"}),
    ),
)
DECAY = Grid(
    name="decay",
    question="Does ABL need the IoU loss beside it?",
    source="ABL (Wang et al., AAAI 2022), its IoU weight decay experiment, in the text",
    baseline="CE + IoU + ABL",
    cells=(
        Cell(
            name="CE + IoU + ABL",
            changes={"loss/lovasz": 1.0, "loss/w_a": 1.0},
            published=percent(W18S.name, miou=75.59),
        ),
        Cell(
            name="IoU falls, ABL rises",
            changes={
                "loss/lovasz": 1.0,
                "loss/w_a": 1.0,
                "loss/schedule": "lovasz linear 1 0, w_a linear 0 1",
            },
            published=percent(W18S.name, miou=75.65),
        ),
    ),
    setups=(W18S,),
)
"""The weight of ABL rises to 1 there; that of the baseline is not printed, and is 1 here, too."""

LOVASZ = Grid(
    name="lovasz",
    question="Should the Lovasz-softmax rank the pixels of each image, or of the whole batch?",
    source="ABL (Wang et al., AAAI 2022), Eq. 6, which does not say; the public code's default is "
    "the batch",
    baseline="CE + IoU, each image",
    cells=(
        Cell(name="CE + IoU, each image", changes={"loss/lovasz": 1.0}),
        Cell(
            name="CE + IoU, the batch",
            changes={"loss/lovasz": 1.0, "loss/lovasz_per_image": False},
        ),
        Cell(name="CE + IABL, each image", changes=IABL),
        Cell(name="CE + IABL, the batch", changes={**IABL, "loss/lovasz_per_image": False}),
    ),
)

GRIDS = (
    *(TABLE1, TABLE2, *active_boundary_rivals.GRIDS, *active_boundary_video.GRIDS, TABLE8),
    *(SCHEDULE, DECAY, LOVASZ),
)
