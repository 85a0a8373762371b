"""Which folds of a training list are possible, and together with what."""

from typing import TYPE_CHECKING

from trainables.config.validation import require

if TYPE_CHECKING:
    from trainables.config.data import DataConfig

_NO_FOLDS = "test_list extra_list train_images val_images test_images".split()
"""Fields that would take an image from the folds, or train on one that another list tests."""


def require_folds(data: "DataConfig") -> None:
    """Raise a ValueError that names a field, its value and what is allowed."""
    require(data.folds != 1, "data/folds", "0 or >= 2", data.folds)
    fits = 1 <= data.fold <= data.folds if data.folds else data.fold == 0
    allowed = f"1 .. {data.folds} with data/folds={data.folds}" if data.folds else "0"
    require(fits, "data/fold", f"{allowed}{'' if data.folds else ' without folds'}", data.fold)
    for name in _NO_FOLDS if data.folds else ():
        value = getattr(data, name)
        require(not value, f"data/{name}", f"{type(value)()!r} with data/folds", value)
