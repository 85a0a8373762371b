"""Clips: some frames of one film as one sample of a training (``data/clip``).

Each row of a list begins a clip. Which frames follow is drawn by (seed, epoch, index) alone; all of
them are augmented with the same random numbers.
Shape letters: B clips, N = B T frames, clip by clip.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.data.dataset import DataError, ImageList
from trainables.data.draw import Draw
from trainables.data.films import film, of_several_sizes, rows_by_film
from trainables.data.lists import EXTRA


def frames_of_batch(
    names: Sequence[str], config: DataConfig, share: NDArray[np.int64], draws: list[Draw]
) -> tuple[NDArray[np.int64], list[Draw]]:
    """The rows (N) of all frames of a batch, and the random numbers of each.

    Args:
        names: of the list's images.
        config: length of the clips and their largest step.
        share: (B) the rows that begin clips.
        draws: of each.
    """
    if config.clip == 1:
        return share, draws
    pairs = zip(share.tolist(), draws, strict=True)
    rows = [frame for row, draw in pairs for frame in frames_of_clip(names, config, row, draw)]
    return np.array(rows, dtype=np.int64), [draw for draw in draws for _ in range(config.clip)]


def frames_of_clip(names: Sequence[str], config: DataConfig, row: int, draw: Draw) -> list[int]:
    """Rows of a clip, in the film's order: from ``row`` on, or from the last frame that as many
    follow as the clip needs."""
    end = row + 1
    while end < row + 1 + (config.clip - 1) * config.clip_skip and _together(names, row, end):
        end += 1
    frames, random = [min(row, end - config.clip)], draw.generator("clip")
    for left in reversed(range(config.clip - 1)):  # frames that follow the next one
        last = min(frames[-1] + config.clip_skip, end - 1 - left)
        frames.append(int(random.integers(frames[-1] + 1, last + 1)))
    return frames


def _together(names: Sequence[str], row: int, other: int) -> bool:
    return other < len(names) and film(names[row]) == film(names[other])


def require_clips(lists: Mapping[str, ImageList], config: DataConfig) -> None:
    """Raise a DataError if a list that is trained on has no such clips, in one line."""
    if config.clip > 1:
        for split in ("train", EXTRA):
            if split in lists:
                _require_clips(lists[split], config)


def _require_clips(images: ImageList, config: DataConfig) -> None:
    if images.series != "film":
        raise DataError(
            f"data/clip must be 1 with {config.dataset}, whose images are no frames of films, "
            f"got {config.clip}"
        )
    films = rows_by_film(images)
    if any(rows != list(range(rows[0], rows[-1] + 1)) for rows in films):
        raise DataError("data/clip must be 1 with a training list that mixes frames of films")
    shortest = min(films, key=len)
    if len(shortest) < config.clip:
        name = film(images.names[shortest[0]])
        raise DataError(
            f"data/clip must be at most {len(shortest)}, the frames of {name} in the training "
            f"list (or leave {name} out of it), got {config.clip}"
        )
    if several := of_several_sizes(images, films):
        raise DataError(f"data/clip: frames of {several} must have one size to form clips")
