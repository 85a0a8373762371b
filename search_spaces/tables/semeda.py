"""SEMEDA's Tables 1 and 2 (Chen, Dapogny and Cord): DeepLab-v2, validation lists."""

from search_spaces.grid import Cell, Changes, Grid, percent

_T1 = "DeepLab-v2, Cityscapes val"


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
)

_SETUPS = (
    "ImageNet, VOC2012 val",
    "ImageNet, Cityscapes val",
    "ImageNet+COCO, VOC2012 val",
    "ImageNet+COCO, Cityscapes val",
)


def _row(*mious: float) -> dict[str, dict[str, float]]:
    return {setup: {"miou": miou} for setup, miou in zip(_SETUPS, mious, strict=True)}


TABLE2 = Grid(
    name="table2",
    question="Does the edge-aware loss still help a network that was pre-trained better?",
    source="SEMEDA (Chen, Dapogny and Cord), Table 2; the pre-training is --weights",
    baseline="DeepLab-v2",
    cells=(
        Cell(name="DeepLab-v2", changes={}, published=_row(0.729, 0.641, 0.753, 0.658)),
        Cell(
            name="multi-task",
            changes={"loss/edge": "multi_task", "loss/lambda_1": 1.0},
            published=_row(0.729, 0.646, 0.756, 0.664),
        ),
        Cell(
            name="SEMEDA",
            changes={"loss/edge": "before_relu", "loss/lambda_2": 1.0},
            published=_row(0.742, 0.666, 0.765, 0.678),
        ),
    ),
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

GRIDS = (TABLE1, TABLE2, SCALE)
