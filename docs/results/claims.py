"""What the papers report for the losses of the page, from their tables in ``search_spaces``."""

from collections.abc import Mapping
from typing import NamedTuple

from search_spaces import Grid
from search_spaces.tables import active_boundary, affinity, inverseform, semeda
from study.analysis.comparability import gain


class Claim(NamedTuple):
    """A row of a paper's table, and the row that it is compared with there."""

    paper: str
    grid: Grid
    row: str
    beside: str

    def words(self) -> str:
        """The gains in mIoU over all setups of the table, in percentage points."""
        row, beside = self.grid.cell(self.row), self.grid.cell(self.beside)
        found = [gain(row, beside, setup, "miou") for setup in row.published]
        gains = sorted(100 * value for value in found if value is not None)
        ends = dict.fromkeys(f"{value:+.2f}" for value in (gains[0], gains[-1]))
        table = self.grid.name.replace("table", "Table ")
        return f"{' to '.join(ends)} ({self.paper}, {table})"


_ABL2 = active_boundary.TABLE2

BY_CELL: Mapping[str, Claim] = {
    "inverse_form": Claim("InverseForm", inverseform.TABLE1, "S+E, InverseForm", "S"),
    "lovasz": Claim("ABL", _ABL2, "CE + IoU", "CE"),
    "iabl": Claim("ABL", _ABL2, "CE + IABL", "CE"),
    "ifkl": Claim("ABL", _ABL2, "CE + IFKL", "CE"),
    "semeda": Claim("SEMEDA", semeda.TABLE2, "SEMEDA", "DeepLab-v2"),
    "affinity_regression": Claim("AR", affinity.TABLE1, "+ AR loss", "without"),
}
"""Over plain cross-entropy. ABL alone has a figure for the last fifth of the training only."""


class Term(NamedTuple):
    """A paper's own term: what it adds to the simpler cell that it stands beside."""

    words: str
    cell: str
    beside: str
    claim: Claim | None = None


def _beside_lovasz(row: str) -> Claim:
    return Claim("ABL", _ABL2, row, "CE + IoU")


TERMS = (
    Term("InverseForm's distance, beside its boundary head", "inverse_form", "boundary_head"),
    Term("geodesic, not Euclidean distance", "inverse_form_geodesic", "inverse_form"),
    Term("the unexplained part (ours)", "inverse_form_unexplained", "inverse_form"),
    Term("ABL, beside Lovász", "iabl", "lovasz", _beside_lovasz("CE + IABL")),
    Term("ABL in the last fifth alone", "iabl_last_20", "iabl"),
    Term("KL at boundaries, beside Lovász", "ifkl", "lovasz", _beside_lovasz("CE + IFKL")),
    Term("SEMEDA's mean over channels, not its sum", "semeda_mean", "semeda"),
)
