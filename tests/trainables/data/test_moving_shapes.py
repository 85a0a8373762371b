"""The built-in films: the same everywhere, of one object that moves before others."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from trainables.config import DataConfig
from trainables.data import load, open_layout
from trainables.data.dataset import DataError
from trainables.data.layouts import moving_shapes
from trainables.data.layouts.moving_shapes import FRAMES, frame

SMALL = DataConfig(dataset="moving_shapes", height=24, width=32)


def test_a_frame_is_a_function_of_its_arguments() -> None:
    image_HWC, labels_HW = frame("train", 3, 5, 24, 32)
    moving_shapes.film.cache_clear()
    again_HWC, again_HW = frame("train", 3, 5, 24, 32)
    assert np.array_equal(image_HWC, again_HWC)
    assert np.array_equal(labels_HW, again_HW)
    for split, index, number in (("val", 3, 5), ("train", 4, 5), ("train", 3, 6)):
        assert not np.array_equal(image_HWC, frame(split, index, number, 24, 32)[0])


@pytest.mark.parametrize("index", range(6))
def test_the_object_is_in_every_frame_and_moves(index: int) -> None:
    masks = [frame("test", index, number, 48, 64)[1] for number in range(FRAMES)]

    for one, other in pairwise(masks):
        assert set(np.unique(one)) == {0, 1}
        assert one.mean() < 0.25
        both, either = (one & other).sum(), (one | other).sum()
        assert 0.2 < both / either < 1, "neighbours overlap, and differ"
    first, last = masks[0], masks[-1]
    assert (first & last).sum() / (first | last).sum() < 0.6


def test_the_objects_colour_ends_at_its_mask() -> None:
    """The mask is exact: without noise and blur, the patch of texture lies within it."""
    split, index, number, rows, columns = "train", 2, 4, 48, 64
    film = moving_shapes.film(split, index, rows, columns)
    image_HWC, labels_HW = frame(split, index, number, rows, columns)
    moving_shapes.film.cache_clear()
    film.shapes[-1].texture_GGC[:] += 60
    changed_HWC, _ = _with(film, (split, index, number, rows, columns))

    moved_HW = np.abs(changed_HWC.astype(int) - image_HWC).max(axis=-1) >= 30
    assert np.array_equal(moved_HW, labels_HW == 1)


def _with(
    film: moving_shapes.Film, place: tuple[str, int, int, int, int]
) -> tuple[np.ndarray, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moving_shapes, "film", lambda *_: film)
        return frame(*place)


def test_lists_have_whole_sequences_in_the_order_of_their_frames() -> None:
    lists = open_layout(SMALL).splits
    assert {split: len(frames) for split, frames in lists.items()} == {
        "train": 72 * FRAMES,
        "val": 6 * FRAMES,
        "test": 12 * FRAMES,
    }
    names = [one.name for one in lists["val"]]
    assert names == sorted(names)
    assert names[:2] == ["val-00000/00000", "val-00000/00001"]
    more = open_layout(replace(SMALL, val_images=7 * FRAMES)).splits["val"]
    assert len({one.name.split("/")[0] for one in more}) == 7


def test_a_holdout_and_folds_cut_between_sequences() -> None:
    held = open_layout(replace(SMALL, holdout=4)).splits
    folded = open_layout(replace(SMALL, folds=3, fold=1)).splits

    for lists in (held, folded):
        of = {split: {one.name.split("/")[0] for one in lists[split]} for split in lists}
        assert not of["train"] & of["val"]
        assert all(len(lists[split]) == FRAMES * len(of[split]) for split in of)


def test_the_digest_is_the_content() -> None:
    few = replace(SMALL, train_images=12, val_images=12, test_images=12)
    more = replace(SMALL, train_images=24, val_images=12, test_images=12)
    assert load(few).digest == load.__wrapped__(few).digest
    assert load(few).digest != load(more).digest
    assert load(few).splits["train"].series == "film"


def test_a_list_file_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match='data/val_list must be "" for moving_shapes') as error:
        open_layout(replace(SMALL, val_list="some.txt"))
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, DataError)
