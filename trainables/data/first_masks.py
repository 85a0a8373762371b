"""Whether the films of a list can be followed: their first frames say what the object is."""

from collections.abc import Mapping

import numpy as np

from trainables.data.dataset import DataError, ImageList
from trainables.data.given_frames import OBJECT


def require_first_masks(lists: Mapping[str, ImageList], network: str) -> None:
    """Check the lists on which a network that follows an object is measured.

    Raises:
        DataError: images that are no frames of films, a film whose first frame shows no object, or
            one whose frames differ in size.
    """
    for split in ("val", "test"):
        images = lists[split]
        if images.series_numbers is None or images.series != "film":
            raise DataError(
                f"model/network {network} follows an object through films, and the images of "
                f"{split} are no frames of films: use davis2016 or moving_shapes"
            )
        numbers, sizes_N2 = np.array(images.series_numbers), images.sizes_N2
        for number in range(int(numbers.max()) + 1):
            rows = (numbers == number).nonzero()[0]
            name = images.names[int(rows[0])]
            if len(np.unique(sizes_N2[rows], axis=0)) > 1:
                raise DataError(f"{split}: frames of {name.rpartition('/')[0]} must have one size")
            if not (np.asarray(images.labels_NHW[int(rows[0])]) == OBJECT).any():
                raise DataError(
                    f"{split}: {name}: no object in the first frame of its film, from which "
                    f"{network} would follow it: leave the film or its first frames out of the list"
                )
