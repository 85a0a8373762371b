"""Some maps of a list, by their places: several lists share the images that are decoded once."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.data.images import Map, Rows, sizes_of

FoldLists = tuple[Mapping[str, tuple[int, ...]], ...]
"""By fold, and by split, places in the pool of all folds."""


class FoldView:
    """Images of a pool, or their labels, indexed as an array of the picked ones would be."""

    nbytes = 0
    """Memory that it takes beside the pool."""

    def __init__(self, pool: Map, places: Sequence[int]) -> None:
        """``places``: of the picked maps in the pool, one or more."""
        self.pool, self.places_N = pool, np.asarray(places, dtype=np.int64)

    @property
    def sizes_N2(self) -> NDArray[np.int64]:
        """Rows and columns of each."""
        sizes_N2: NDArray[np.int64] = sizes_of(self.pool)[self.places_N]
        return sizes_N2

    def __len__(self) -> int:
        return len(self.places_N)

    def __getitem__(self, index: int | np.integer | Rows) -> Map:
        """One map for one place; for several, what the pool gives for several."""
        return self.pool[self.places_N[index]]
