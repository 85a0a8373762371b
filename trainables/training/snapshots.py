"""What a trial predicted for a few images at a few of its epochs, to see how it learned.

Checkpoints hold predictions, too, but only the newest ones stay. A snapshot is only looked at: it
is not synced to the disk, and a damaged one is left out. Shape letters: H rows, W columns.
"""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables import proof
from trainables.training import predictions

IMAGES, EPOCHS = 2, 6
"""How many images, and at how many epochs."""
_FOLDER = "epochs"


def chosen(epochs: int) -> list[int]:
    """The epochs with a snapshot: the first, the last, and some evenly between them."""
    return sorted({round(place) for place in np.linspace(1, epochs, EPOCHS)})


def write(
    trial_folder: Path, epoch: int, epochs: int, predicted: Iterable[NDArray[np.uint8]]
) -> None:
    """Store the first predictions of an epoch, if it is one of the chosen ones."""
    if epoch not in chosen(epochs):
        return
    folder = trial_folder / _FOLDER
    folder.mkdir(exist_ok=True)
    packed = predictions.pack(islice(predicted, IMAGES))
    (folder / f"{epoch:06d}.npz").write_bytes(proof.seal(packed))


def read(trial_folders: Sequence[Path]) -> dict[int, list[NDArray[np.uint8]]]:
    """The predictions (H,W) by epoch, in their order; those of a later folder count."""
    found = {}
    for path in [path for root in trial_folders for path in (root / _FOLDER).glob("*.npz")]:
        with suppress(OSError, ValueError):  # damaged
            found[int(path.stem)] = predictions.unpack(proof.unseal(path.read_bytes(), path)).labels
    return dict(sorted(found.items()))


def remove(trial_folders: Sequence[Path]) -> None:
    """Remove the snapshots of a trial."""
    for root in trial_folders:
        shutil.rmtree(root / _FOLDER, ignore_errors=True)
