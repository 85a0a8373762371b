"""The studies that can be asked for by name."""

from search_spaces.inverseform import INVERSEFORM
from search_spaces.semeda import SEMEDA
from search_spaces.space import Dimension, Space

__all__ = ["SPACES", "Dimension", "Space"]

SPACES: dict[str, Space] = {space.name: space for space in (INVERSEFORM, SEMEDA)}
