"""Which checkpoints of a running trial stay."""

import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from trainables.proof import DamageError
from trainables.training import checkpoint
from trainables.training.best_epoch import best_epoch


def keep(
    trial_folder: Path,
    newest: int,
    best_by: tuple[str, str] | None = None,
    epochs: Collection[int] = (),
) -> None:
    """Remove all checkpoints except the newest ones and those that are requested.

    Args:
        newest: how many of them stay.
        best_by: a metric and its direction, ``max`` or ``min``: the best epoch's checkpoint stays,
            too. The newest one does not count: should it be lost, the best before it must be there.
        epochs: those after which other trials begin.
    """
    folders = sorted(trial_folder.glob("checkpoint_*"))
    stay = {*folders[-newest:], *(checkpoint.folder_of(trial_folder, epoch) for epoch in epochs)}
    if best_by is not None:
        stay |= _best(folders[:-1], *best_by)
    for folder in folders:
        if folder not in stay:
            shutil.rmtree(folder, ignore_errors=True)


def _best(folders: Sequence[Path], metric: str, mode: str) -> set[Path]:
    """The folder of the best epoch by its note; none if no note can be read."""
    values, by_epoch = dict[int, float | None](), dict[int, Path]()
    for folder in folders:
        with suppress(DamageError):
            found = checkpoint.read_note(folder)
            values[found.epoch], by_epoch[found.epoch] = found.result.get(metric), folder
    best = best_epoch(values, mode)
    return set() if best is None else {by_epoch[best]}
