"""SEMEDA's Tables 1 and 2, and the gains of its Figure 5 (Chen, Dapogny and Cord)."""

from dataclasses import replace

from search_spaces.grid import Cell, Changes, Grid, Published, percent
from search_spaces.setup import AS_THEY_ARE, Setup
from search_spaces.space import Value

_DEEPLAB: dict[str, Value] = {
    **AS_THEY_ARE,
    "model/network": "deeplabv2_r101",
    "model/weights": "imagenet",
}
_CITYSCAPES = Setup(
    name="ImageNet, Cityscapes val",
    network="DeepLab-v2",
    dataset="Cityscapes",
    images="val",
    protocol="single-scale at half resolution, 18 classes and background",
    config={
        **_DEEPLAB,
        "data/dataset": "cityscapes",
        "data/height": 512,
        "data/width": 1024,
        "data/classes": 18,
    },
    counts={"train": 2975, "test": 500},
    recipe="semeda_cityscapes",
)
_VOC = Setup(
    name="ImageNet, VOC2012 val",
    network="DeepLab-v2",
    dataset="VOC2012",
    images="val",
    config={**_DEEPLAB, "data/dataset": "voc2012", "data/train_list": "train_aug"},
    counts={"train": 10582, "test": 1449},
    recipe="semeda_voc",
)


def _coco(setup: Setup) -> Setup:
    """The same, from weights that were trained on MS COCO, too."""
    return replace(
        setup,
        name=setup.name.replace("ImageNet", "ImageNet+COCO"),
        weights="ImageNet, then MS COCO",
        needs="weights trained on MS COCO, which a config cannot prove",
    )


_T1 = _CITYSCAPES.name


def _cell(name: str, miou: float, edge: str = "", *lambdas: float) -> Cell:
    """A row of Table 1: what lambda_1..3 weigh, and the paper's mIoU in percent."""
    weights = dict(zip(("loss/lambda_1", "loss/lambda_2", "loss/lambda_3"), lambdas, strict=False))
    changes: Changes = {"loss/edge": edge, **weights} if edge else {}
    return Cell(name=name, changes=changes, published=percent(_T1, miou=miou))


TABLE1 = Grid(
    name="table1",
    question="Is an edge network's embedding a better judge of a mask than its edges, or a head?",
    source="SEMEDA (Chen, Dapogny and Cord), Table 1",
    baseline="PPCE",
    cells=(
        _cell("PPCE", 64.1),
        _cell("multi-task 1", 64.6, "multi_task", 1.0),
        _cell("multi-task 0.5", 64.3, "multi_task", 0.5),
        _cell("multi-task 5", 64.3, "multi_task", 5.0),
        _cell("PPCE on edges 1", 64.1, "ppce", 1.0),
        _cell("PPCE on edges 5", 64.7, "ppce", 5.0),
        _cell("after ReLU 1 0 0", 65.5, "after_relu", 1.0, 0.0, 0.0),
        _cell("after ReLU 0 0.5 0", 65.9, "after_relu", 0.0, 0.5, 0.0),
        _cell("before ReLU 1 0 0", 66.0, "before_relu", 1.0, 0.0, 0.0),
        _cell("before ReLU 0.5 0 0", 65.6, "before_relu", 0.5, 0.0, 0.0),
        _cell("before ReLU 0 1 0", 66.6, "before_relu", 0.0, 1.0, 0.0),
        _cell("before ReLU 0 0 1", 65.6, "before_relu", 0.0, 0.0, 1.0),
        _cell("before ReLU 1 0.5 0.25", 66.5, "before_relu", 1.0, 0.5, 0.25),
        _cell("before ReLU 0.25 0.5 1", 66.3, "before_relu", 0.25, 0.5, 1.0),
    ),
    setups=(_CITYSCAPES,),
)

_SETUPS = (_VOC, _CITYSCAPES, _coco(_VOC), _coco(_CITYSCAPES))


def _row(*mious: float) -> Published:
    return {setup.name: {"miou": miou} for setup, miou in zip(_SETUPS, mious, strict=True)}


_MULTI_TASK: Changes = {"loss/edge": "multi_task", "loss/lambda_1": 1.0}
_SEMEDA: Changes = {"loss/edge": "before_relu", "loss/lambda_2": 1.0}


TABLE2 = Grid(
    name="table2",
    question="Does the edge-aware loss still help a network that was pre-trained better?",
    source="SEMEDA (Chen, Dapogny and Cord), Table 2; the pre-training is --weights or --init",
    baseline="DeepLab-v2",
    cells=(
        Cell(name="DeepLab-v2", changes={}, published=_row(0.729, 0.641, 0.753, 0.658)),
        Cell(
            name="multi-task",
            changes=_MULTI_TASK,
            published=_row(0.729, 0.646, 0.756, 0.664),
        ),
        Cell(
            name="SEMEDA",
            changes=_SEMEDA,
            published=_row(0.742, 0.666, 0.765, 0.678),
        ),
    ),
    setups=_SETUPS,
)

_BAND = "trimap_miou_inside_1px"
"""The paper has its gains "for strict boundaries (trimap width 1, 2)", in one figure."""

FIGURE5 = Grid(
    name="figure5",
    question="Does the edge-aware loss help at boundaries, or inside objects?",
    source="SEMEDA (Chen, Dapogny and Cord), Figure 5; its gains as Sec. 4.4 has them, in words",
    baseline="DeepLab-v2",
    cells=(
        Cell(name="DeepLab-v2", changes={}),
        Cell(name="multi-task", changes=_MULTI_TASK),
        Cell(
            name="SEMEDA",
            changes=_SEMEDA,
            gains=percent(_VOC.name, **{_BAND: 4.4}) | percent(_CITYSCAPES.name, **{_BAND: 3.7}),
        ),
    ),
    setups=(_VOC, _CITYSCAPES),
)


def _reading(name: str, number: int, weight: float = 1.0, **changes: str) -> Cell:
    """The weight of one layer, and how its channels are read."""
    fields = {f"loss/edge_{field}": value for field, value in changes.items()}
    return Cell(name=name, changes={f"loss/lambda_{number}": weight, **fields})


SCALE = Grid(
    name="scale",
    question="Does the sum over channels drown the cross-entropy, and what mends it?",
    source='SEMEDA (Chen, Dapogny and Cord): Eq. 6 is a sum; 4.3 has "L1 or L2"',
    baseline="PPCE",
    cells=(
        Cell(name="PPCE", changes={}),
        _reading("0 1 0, sum", 2),
        _reading("0 1 0, mean", 2, reduction="mean"),
        _reading("0 1 0, mean of squares", 2, reduction="mean", norm="l2"),
        _reading("0 0 1, sum", 3),
        _reading("0 0 1, mean", 3, reduction="mean"),
        _reading("0 0 0.02, sum", 3, 0.02),
    ),
)

GRIDS = (TABLE1, TABLE2, FIGURE5, SCALE)
