"""Masks pair with images by what differs in their names: all of them, or none."""

import pytest

from trainables.data.pairing import described, pair

TWENTY = range(1, 21)


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ([f"img_{n:03}" for n in TWENTY], [f"img_{n:03}_mask" for n in TWENTY]),
        ([f"img_{n:03}" for n in TWENTY], [f"mask-{n:03}" for n in TWENTY]),
        ([f"{n}_training" for n in TWENTY], [f"{n}_manual1" for n in TWENTY]),
        ([f"{n}/image" for n in TWENTY], [f"{n}/mask" for n in TWENTY]),
        (["00ae6/images/00ae6", "a34/images/a34"], ["00ae6/masks/00ae6", "a34/masks/a34"]),
        (["cat", "black_dog"], ["cat_mask", "black_dog_mask"]),
        (["img", "img_2"], ["img_mask", "img_2_mask"]),
        (
            ["train/images/9_train", "train/images/8_train", "test/images/9_test"],
            ["train/manual/9_manual1", "train/manual/8_manual1", "test/manual/9_manual1"],
        ),
        (["Zürich_1", "Köln_1"], ["Zürich_1_maske", "Köln_1_maske"]),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_differs_pairs(images: list[str], masks: list[str], turned: bool) -> None:
    """Whatever the order of the masks."""
    found = pair(images, masks[::-1] if turned else masks)
    assert found.is_complete
    place = len(masks) - 1
    assert found.pairs == tuple((n, place - n if turned else n) for n in range(len(images)))


@pytest.mark.parametrize(
    ("images", "masks", "words"),
    [
        (["1", "2", "3"], ["2", "3", "4"], "1 image without a mask: 1; 1 mask without an image: 4"),
        (["a", "b"], ["x", "y"], "2 images without a mask: a, b; 2 masks without an image: x, y"),
        (
            [f"img_{n}" for n in TWENTY],
            [f"img_{n}_mask" for n in TWENTY if n != 7] + ["img_99_mask", "notes"],
            "1 image without a mask: img_7; 2 masks without an image: img_99_mask, notes",
        ),
        (
            [*(f"{n}_training" for n in TWENTY), "cover"],
            [f"{n}_manual1" for n in TWENTY],
            "1 image without a mask: cover",
        ),
        (
            [f"img_{n}" for n in range(30)],
            [f"img_{n}_mask" for n in range(20, 30)],
            "20 images without a mask: img_0, img_1, img_2, img_3, img_4 and 15 more",
        ),
        (
            ["train/1", "train/2", "train/3", "val/1"],
            ["train/1", "val/1", "val/2", "val/3"],
            "2 images without a mask: train/2, train/3; 2 masks without an image: val/2, val/3",
        ),
        (
            ["train/1", "train/2", "train/3", "x/9"],
            ["val/1", "val/2", "val/3", "x/9"],
            "3 images without a mask: train/1, train/2, train/3; 3 masks without an image: val/1",
        ),
        (["1", "1_b"], ["1", "1"], "1 image without a mask: 1_b; 1 name that more than two"),
    ],
)
def test_one_file_too_many_pairs_nothing_and_all_are_named(
    images: list[str], masks: list[str], words: str
) -> None:
    found = pair(images, masks)
    assert not found.is_complete
    assert described(found, images, masks).startswith(words)


def test_a_common_number_is_never_taken_for_the_one_that_differs() -> None:
    """Slices 1..9 of subject 20 beside slices 1..9 of subject 21: no mask is of another subject."""
    images = [f"20_{n}" for n in range(1, 10)] + [f"21_{n}" for n in range(1, 10)]
    masks = [f"seg_{name}_v2" for name in reversed(images)]
    found = pair(images, masks)
    assert found.is_complete
    assert all(masks[mask] == f"seg_{images[image]}_v2" for image, mask in found.pairs)


def test_padded_numbers_are_other_numbers() -> None:
    assert not pair(["img_1", "img_2"], ["mask_01", "mask_02"]).is_complete
