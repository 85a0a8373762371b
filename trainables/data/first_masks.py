"""Whether the films of a list can be followed: their first frames say what the object is."""

from collections.abc import Mapping

import numpy as np

from trainables.data.dataset import DataError, ImageList
from trainables.data.films import of_several_sizes, rows_by_film
from trainables.data.given_frames import OBJECT


def require_first_masks(lists: Mapping[str, ImageList], network: str) -> None:
    """Check the lists on which a network that follows an object is measured.

    Raises:
        DataError: images that are no frames of films, a film whose first frame shows no object, or
            one whose frames differ in size.
    """
    for split in ("val", "test"):
        images = lists[split]
        if images.series != "film":
            raise DataError(
                f"model/network {network} follows an object through films, and the images of "
                f"{split} are no frames of films: use davis2016 or moving_shapes"
            )
        films = rows_by_film(images)
        if several := of_several_sizes(images, films):
            raise DataError(f"{split}: frames of {several} must have one size")
        for first, *_ in films:
            if not (np.asarray(images.labels_NHW[first]) == OBJECT).any():
                raise DataError(
                    f"{split}: {images.names[first]}: no object in the first frame of its film, "
                    f"from which {network} would follow it: leave the film or its first frames out "
                    "of the list"
                )
