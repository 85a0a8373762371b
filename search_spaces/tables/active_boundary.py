"""Active Boundary Loss's Tables 1, 2, 5, 6 and 8 (Wang et al., AAAI 2022)."""

from search_spaces.grid import Cell, Changes, Grid, Published, percent

_IABL: Changes = {"loss/lovasz": 1.0, "loss/w_a": 1.5}
"""CE + Lovasz + w_a ABL with Cityscapes' w_a."""

_T1 = "DeepLabV3 R50, Cityscapes val"
_SEGFIX = "SegFix, a refinement network trained apart, which Edgewise does not have"


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
        Cell(name="CE + IABL", changes=_IABL, published=_t1(80.5, 96.4)),
        Cell(
            name="CE + IABL w/o detach",
            changes={**_IABL, "loss/detach": False},
            published=_t1(76.0, 95.6),
        ),
    ),
)
"""The paper does not give the weight of BL in CE + IoU + BL; BL's authors start with 0.01."""


def _t2(ocr: tuple[float, ...] = (), swin: tuple[float, ...] = ()) -> Published:
    """Single scale then multi-scale mIoU, single scale then multi-scale accuracy."""
    rows: dict[str, dict[str, float]] = {}
    for name, row in (("OCR HRNet-W48", ocr), ("UperNet Swin-T", swin)):
        if row:
            rows |= percent(f"{name}, ADE20K val", miou=row[0], pixel_accuracy=row[2])
            rows |= percent(f"{name}, ADE20K val, multi-scale", miou=row[1], pixel_accuracy=row[3])
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
)

_OCR_F = "OCR HRNet-W48, Cityscapes val, multi-scale"


def _t56(deeplab: float, ocr: float, *f: float) -> Published:
    names = ("boundary_f_1px", "boundary_f_3px", "boundary_f_5px")
    scores = dict(zip(names, f, strict=True))
    rows = percent(_T1, miou=deeplab) | percent("OCR HRNet-W48, Cityscapes val", miou=ocr)
    return rows | percent(_OCR_F, **scores)


TABLE5 = Grid(
    name="table5",
    question="Does ABL move the boundaries, and by how much against refining them afterwards?",
    source="ABL (Wang et al., AAAI 2022), Tables 5 (mIoU) and 6 (boundary F), means over classes",
    baseline="CE",
    cells=(
        Cell(name="CE", changes={}, published=_t56(79.5, 81.1, 65.4, 77.5, 81.4)),
        Cell(
            name="+ SegFix",
            changes={},
            published=_t56(80.5, 81.7, 67.3, 78.1, 81.5),
            needs=_SEGFIX,
        ),
        Cell(name="+ IABL", changes=_IABL, published=_t56(80.5, 82.0, 67.0, 78.9, 82.5)),
    ),
)


def _t8(dice: float, hausdorff_mm: float) -> Published:
    return {"WMH val": {"dice": dice, "hausdorff": hausdorff_mm}}


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
)
"""HD is in mm there; Edgewise reports it in the unit of the data, and only if requested."""

SCHEDULE = Grid(
    name="schedule",
    question="When should ABL start?",
    source="the text on ABL's Table 1, and the trade of Lovasz for ABL that its authors tried",
    baseline="from the start",
    cells=(
        Cell(name="from the start", changes=_IABL),
        Cell(name="last 50 %", changes={**_IABL, "loss/schedule": "w_a from 0.5"}),
        Cell(name="last 20 %", changes={**_IABL, "loss/schedule": "w_a from 0.8"}),
        Cell(
            name="Lovasz falls, ABL rises",
            changes={
                "loss/lovasz": 1.0,
                "loss/w_a": 1.0,
                "loss/schedule": "lovasz linear 1 0, w_a linear 0 1",
            },
        ),
    ),
)
"""In the last cell both weights run between 0 and 1, as in the paper; w_a ends at 1, not at 1.5."""

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
        Cell(name="CE + IABL, each image", changes=_IABL),
        Cell(name="CE + IABL, the batch", changes={**_IABL, "loss/lovasz_per_image": False}),
    ),
)

GRIDS = (TABLE1, TABLE2, TABLE5, TABLE8, SCHEDULE, LOVASZ)
