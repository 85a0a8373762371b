"""What a network that follows an object cannot be measured on."""

from dataclasses import replace

import numpy as np
import pytest

from trainables.data.dataset import DataError, ImageList
from trainables.data.first_masks import require_first_masks

LABELS = np.tile(np.array([[0, 1], [255, 0]], np.uint8), (4, 1, 1))
NAMES = ("a/0", "a/1", "b/0", "b/1")


def films(labels_NHW: np.ndarray = LABELS) -> ImageList:
    images = np.zeros((*labels_NHW.shape, 3), np.uint8)
    return ImageList(images, labels_NHW, NAMES, series="film")


def test_films_that_begin_with_the_object_are_fine() -> None:
    later_empty = LABELS.copy()
    later_empty[1] = later_empty[3] = 0
    require_first_masks({"val": films(), "test": films(later_empty)}, "stm")


@pytest.mark.parametrize("value", [0, 255])
def test_a_film_that_begins_without_it_is_named(value: int) -> None:
    labels_NHW = LABELS.copy()
    labels_NHW[2] = value
    with pytest.raises(DataError, match=r"^test: b/0: no object in the first frame of its film"):
        require_first_masks({"val": films(), "test": films(labels_NHW)}, "stm")


def test_photographs_and_frames_of_several_sizes_are_refused() -> None:
    photographs = replace(films(), series="")
    with pytest.raises(DataError, match="the images of val are no frames of films"):
        require_first_masks({"val": photographs, "test": films()}, "stm")
    sizes = [np.ones((2, 2), np.uint8)] * 3 + [np.ones((2, 3), np.uint8)]
    several = replace(films(), labels_NHW=many_sizes(sizes))
    with pytest.raises(DataError, match="test: frames of b must have one size"):
        require_first_masks({"val": films(), "test": several}, "stm")


def many_sizes(maps: list[np.ndarray]) -> np.ndarray:
    from trainables.data.images import Collector

    collector = Collector(len(maps))
    for map_HW in maps:
        collector.add(map_HW)
    return collector.collected()
