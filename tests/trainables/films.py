"""Small films for tests: a bright box moves over noise, and is the object."""

from collections.abc import Sequence

import numpy as np

from trainables.data.dataset import Dataset, ImageList


def films(lengths: Sequence[int], size: tuple[int, int] = (32, 48), seed: int = 0) -> ImageList:
    """One film for each length."""
    images, labels, names = [], [], []
    for number, length in enumerate(lengths):
        random = np.random.default_rng((seed, number))
        top, left = (int(random.integers(2, side // 3)) for side in size)
        for frame in range(length):
            image = random.integers(0, 120, (*size, 3), dtype=np.uint8)
            label = np.zeros(size, dtype=np.uint8)
            label[top + frame : top + frame + 10, left + 2 * frame : left + 2 * frame + 12] = 1
            image[label == 1] += 130
            images.append(image)
            labels.append(label)
            names.append(f"film{number}/{frame:05d}")
    return ImageList(np.stack(images), np.stack(labels), tuple(names), series="film")


def dataset(
    train: Sequence[int] = (4, 3, 5), size: tuple[int, int] = (32, 48), seed: int = 0
) -> Dataset:
    """``train``: frames of each training film; validation and test have two films."""
    lists = {"train": films(train, size, seed), "val": films((3, 4), size, seed + 1)}
    lists["test"] = films((4, 3), size, seed + 2)
    return Dataset("films", ("background", "object"), ((0, 0, 0), (9, 9, 9)), lists, "0:films")
