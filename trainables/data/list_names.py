"""What the validation and the test list of a study are, in words, where the config or the dataset
gives them other images than their names say."""

from collections.abc import Mapping, Sequence

from trainables.config import DataConfig

_LISTS = {"val": "validation list", "test": "test list"}
_OTHER = {"val": "test", "test": "val"}


def described(splits: Mapping[str, Sequence[object]], config: DataConfig) -> dict[str, str]:
    """By split, what its images are; only of lists that are not the whole of that name.

    Args:
        splits: as the dataset has them, before one stands for another and before they are cut.
    """
    found = {split: _described(split, splits, config) for split in _LISTS}
    return {split: words for split, words in found.items() if words != _LISTS[split]}


def _described(split: str, splits: Mapping[str, Sequence[object]], config: DataConfig) -> str:
    name, remarks = _LISTS[split], list[str]()
    images = len(splits.get(split, ()))
    if split == "val" and config.holdout:
        name = f"training images held out, one of {config.holdout}"
        images = len(splits.get("train", ())) // config.holdout
    elif not images:
        name, remarks = _LISTS[_OTHER[split]], [f"there is no {_LISTS[split]}"]
        images = len(splits.get(_OTHER[split], ()))
    limit = config.val_images if split == "val" else config.test_images
    if 0 < limit < images:
        remarks.append(f"its first {limit} images" if limit > 1 else "its first image")
    return f"{name} ({'; '.join(remarks)})" if remarks else name
