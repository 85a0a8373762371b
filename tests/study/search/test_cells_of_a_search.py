"""What cells search, before any trial runs."""

from pathlib import Path

from search_spaces import GRIDS
from search_spaces.grid import grid_from_event
from trainables.config import field_types


def test_searched_cells_have_known_paths_and_are_complete_in_the_ledger(tmp_path: Path) -> None:
    grid = GRIDS["all_losses"]["arms"]
    assert set(grid.decided()) <= set(field_types())
    assert grid_from_event(grid.event()) == grid
    rates = [next(iter(cell.searched)).path for cell in grid.cells]
    assert set(rates) == {"optim/lr"}  # the baseline's too, and drawn first
