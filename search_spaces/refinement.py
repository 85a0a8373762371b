"""What refining a trained network's boundaries adds, beside a loss that does so in training."""

from search_spaces.grid import Cell, Changes, Grid
from search_spaces.tables.active_boundary_setups import IABL

SEGFIX: Changes = {"refine/method": "segfix"}
_DENSE_CRF: Changes = {"refine/method": "dense_crf"}

REFINEMENT = Grid(
    name="refinement",
    question="How much does refining a network's predictions add, and does it add to IABL, too?",
    source="ABL's Tables 5 and 6 have CE, + SegFix and + IABL, its Figure 1 DenseCRF; IABL + "
    "SegFix is a cell of ours",
    baseline="CE",
    cells=(
        Cell(name="CE", changes={}),
        Cell(name="CE + SegFix", changes=SEGFIX),
        Cell(name="IABL", changes=IABL),
        Cell(name="IABL + SegFix", changes={**IABL, **SEGFIX}),
        Cell(name="CE + DenseCRF", changes=_DENSE_CRF),
    ),
)
