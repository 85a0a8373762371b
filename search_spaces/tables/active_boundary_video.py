"""Active Boundary Loss's Table 7 (Wang et al., AAAI 2022): STM is fine-tuned; and one of ours."""

from search_spaces.grid import Cell, Changes, Grid, percent
from search_spaces.setup import Setup

_STM_DAVIS = "STM, DAVIS-2016 val"
_IOU: Changes = {"loss/lovasz": 1.0}
_IFKL: Changes = {**_IOU, "loss/fkl": 1.0}
_IABL: Changes = {**_IOU, "loss/w_a": 5.0}


def _t7(name: str, changes: Changes, j: float, f: float) -> Cell:
    published = percent(_STM_DAVIS, davis_j=j, davis_f=f)
    return Cell(name=name, changes=changes, published=published)


TABLE7 = Grid(
    name="table7",
    question="Does ABL help to fine-tune a network of video objects?",
    source="ABL (Wang et al., AAAI 2022), Table 7; w_a as for video; --recipe stm_davis2016 and "
    "--init with STM's weights",
    baseline="CE",
    films=True,
    cells=(
        _t7("no fine-tuning", {"optim/train": False}, 88.67, 89.86),
        _t7("CE", {}, 88.81, 90.25),
        _t7("CE + IoU", _IOU, 89.08, 90.66),
        _t7("CE + IFKL", _IFKL, 89.08, 90.63),
        _t7("CE + IABL", _IABL, 89.29, 90.82),
    ),
    setups=(
        Setup(
            name=_STM_DAVIS,
            network="STM",
            dataset="DAVIS-2016",
            images="val",
            protocol="J and F of the DAVIS toolkit",
            weights="STM's, fine-tuned on DAVIS-2016 and YouTube-VOS",
            needs="fine-tuning on YouTube-VOS, too, which Edgewise does not read",
        ),
    ),
)

VIDEO = Grid(
    name="video",
    question="Does ABL help to fine-tune a small network of video objects?",
    source="ours: Table 7 of ABL (Wang et al., AAAI 2022) for --dataset moving_shapes",
    baseline="+ CE",
    films=True,
    cells=(
        Cell(name="no fine-tuning", changes={}),
        Cell(name="+ CE", changes={}, after="no fine-tuning"),
        Cell(name="+ CE + IoU", changes=_IOU, after="no fine-tuning"),
        Cell(name="+ CE + IFKL", changes=_IFKL, after="no fine-tuning"),
        Cell(name="+ CE + IABL", changes=_IABL, after="no fine-tuning"),
    ),
)
"""All cells but the first one are trained as long again, from its network."""

GRIDS = (TABLE7, VIDEO)
