"""The search spaces and grids that a study can name."""

from search_spaces.active_boundary import ACTIVE_BOUNDARY
from search_spaces.affinity import AFFINITY
from search_spaces.all_losses import ALL_LOSSES, ARMS
from search_spaces.factors import Factor
from search_spaces.grid import Cell, Grid
from search_spaces.inverseform import INVERSEFORM
from search_spaces.refinement import REFINEMENT
from search_spaces.region import REGION
from search_spaces.semeda import SEMEDA
from search_spaces.setup import Setup
from search_spaces.space import Dimension, Space
from search_spaces.tables import (
    active_boundary,
    affinity,
    inverseform,
    inverseform_ablations,
    semeda,
    tasks,
)

__all__ = [
    "BUILT_IN",
    "GRIDS",
    "OWN_GRIDS",
    "SPACES",
    "Cell",
    "Dimension",
    "Factor",
    "Grid",
    "Setup",
    "Space",
]

SPACES: dict[str, Space] = {
    space.name: space
    for space in (INVERSEFORM, ACTIVE_BOUNDARY, SEMEDA, AFFINITY, REGION, ALL_LOSSES)
}

BUILT_IN = frozenset(SPACES)
"""Names of Edgewise's own spaces; the others of ``SPACES`` are the installed plug-in's."""

GRIDS: dict[str, dict[str, Grid]] = {
    space: {grid.name: grid for grid in grids}
    for space, grids in {
        "inverseform": (*inverseform.GRIDS, *inverseform_ablations.GRIDS, *tasks.GRIDS),
        "active_boundary": (*active_boundary.GRIDS, REFINEMENT),
        "semeda": semeda.GRIDS,
        "affinity": affinity.GRIDS,
        "all_losses": (ARMS,),
    }.items()
}
"""Grids by space and name: ``--space semeda --grid table1``."""

OWN_GRIDS: dict[str, Grid] = {}
"""The plug-in's grids, which belong to no space: ``--grid NAME``."""
