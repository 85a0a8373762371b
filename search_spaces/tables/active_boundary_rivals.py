"""Active Boundary Loss's Tables 3 to 6 (Wang et al., AAAI 2022): other systems, classes."""

from dataclasses import replace

from search_spaces.grid import Cell, Changes, Grid, Published, percent
from search_spaces.setup import Setup
from search_spaces.tables.active_boundary_classes import CLASS_F, CLASS_IOU, METRICS
from search_spaces.tables.active_boundary_setups import (
    DEEPLAB,
    IABL,
    OCR,
    OCR_ADE20K,
    OCR_BOUNDARY,
    SWIN_B_ADE20K,
    multi_scale,
)

_SEGFIX: Changes = {"refine/method": "segfix"}
_AS_RELEASED: Changes = {
    "segfix/network": "hrnet_w48",
    "segfix/weights": "imagenet",
    "segfix/steps": 80_000,
    "segfix/batch": 16,
    "segfix/crop": 512,
}
"""How SegFix's authors train its network; ABL's paper says nothing of it."""


def _segfix(setup: Setup) -> Setup:
    return replace(setup, config={**setup.config, **_AS_RELEASED})


def _others(dataset: str) -> Setup:
    """The setup of figures that the paper takes from other papers."""
    return Setup(
        name=f"as their own papers report them, {dataset} val",
        network="each row's network",
        dataset=dataset,
        images="val",
        protocol="multi-scale",
        needs="the networks of other papers, which Edgewise does not have",
    )


def _rival(setup: Setup, name: str, miou: float, accuracy: float | None = None) -> Cell:
    others = {} if accuracy is None else {"pixel_accuracy": accuracy}
    needs = f"{name.partition(',')[0]}, which Edgewise does not have"
    published = percent(setup.name, miou=miou, **others)
    return Cell(name=name, changes={}, published=published, needs=needs)


_OCR3, _OTHERS3 = multi_scale(OCR_ADE20K), _others("ADE20K")
TABLE3 = Grid(
    name="table3",
    question="Does ABL improve the best networks on ADE20K?",
    source="ABL (Wang et al., AAAI 2022), Table 3; w_a as for ADE20K",
    baseline="CE",
    cells=(
        _rival(_OTHERS3, "CPN, ResNet-101+CPL", 46.27, 81.85),
        _rival(_OTHERS3, "PyConv, PyConvResNet-101", 44.58, 81.77),
        _rival(_OTHERS3, "DNL, HRNetV2-W48", 45.82),
        Cell(
            name="CE",
            changes={},
            published=percent(_OCR3.name, miou=45.66, pixel_accuracy=82.20)
            | percent(SWIN_B_ADE20K.name, miou=51.66, pixel_accuracy=84.06),
        ),
        Cell(
            name="+ IABL",
            changes={"loss/lovasz": 1.0, "loss/w_a": 1.0},
            published=percent(_OCR3.name, miou=46.88, pixel_accuracy=82.43)
            | percent(SWIN_B_ADE20K.name, miou=52.40, pixel_accuracy=84.11),
        ),
    ),
    setups=(_OCR3, SWIN_B_ADE20K, _OTHERS3),
)

_OCR4, _OTHERS4 = multi_scale(OCR), _others("Cityscapes")
TABLE4 = Grid(
    name="table4",
    question="Does ABL improve the best networks on Cityscapes?",
    source="ABL (Wang et al., AAAI 2022), Table 4",
    baseline="CE",
    cells=(
        _rival(_OTHERS4, "GSCNN, WideResNet-38+ASPP", 80.8),
        _rival(_OTHERS4, "DANet, ResNet-101+MG", 81.5),
        _rival(_OTHERS4, "ACNet, ResNet-101+MG", 82.0),
        Cell(name="CE", changes={}, published=percent(_OCR4.name, miou=82.2)),
        Cell(name="+ IABL", changes=IABL, published=percent(_OCR4.name, miou=82.9)),
    ),
    setups=(_OCR4, _OTHERS4),
)


def _t5(name: str, changes: Changes, deeplab: float, ocr: float) -> Cell:
    return Cell(
        name=name,
        changes=changes,
        published=percent(DEEPLAB.name, miou=deeplab) | percent(OCR.name, miou=ocr),
        class_published={
            setup.name: {"iou": CLASS_IOU[setup.name][name]} for setup in (DEEPLAB, OCR)
        },
    )


TABLE5 = Grid(
    name="table5",
    question="How much does ABL add, and how much does refining the boundaries afterwards?",
    source="ABL (Wang et al., AAAI 2022), Table 5",
    baseline="CE",
    cells=(
        _t5("CE", {}, 79.5, 81.1),
        _t5("+ SegFix", _SEGFIX, 80.5, 81.7),
        _t5("+ IABL", IABL, 80.5, 82.0),
    ),
    setups=(_segfix(DEEPLAB), _segfix(OCR)),
)


def _t6(name: str, changes: Changes, figures: tuple[float, ...]) -> Cell:
    return Cell(
        name=name,
        changes=changes,
        published=_boundary_f(*figures),
        class_published={OCR_BOUNDARY.name: CLASS_F[name]},
    )


def _boundary_f(px_1: float, px_3: float, px_5: float) -> Published:
    scores = dict(zip(METRICS, (px_1, px_3, px_5), strict=True))
    return percent(OCR_BOUNDARY.name, **scores)


TABLE6 = Grid(
    name="table6",
    question="Does ABL move the boundaries, and by how much against refining them afterwards?",
    source="ABL (Wang et al., AAAI 2022), Table 6",
    baseline="CE",
    cells=(
        _t6("CE", {}, (65.4, 77.5, 81.4)),
        _t6("+ SegFix", _SEGFIX, (67.3, 78.1, 81.5)),
        _t6("+ IABL", IABL, (67.0, 78.9, 82.5)),
    ),
    setups=(_segfix(OCR_BOUNDARY),),
)

GRIDS = (TABLE3, TABLE4, TABLE5, TABLE6)
