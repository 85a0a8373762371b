"""Films for a network that follows an object: which frames are one, and the mask that begins it.

Shape letters: H rows, W columns, C colours.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trainables.config import require

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from study.commands.trained_network import TrainedNetwork
    from trainables.data.unlabelled import Picture
    from trainables.training.prediction import Predicted

OPTION = "--first-masks"


class Film(NamedTuple):
    """The frames of a film in their order."""

    name: str
    frames: "list[Picture]"


def require_given(trained: "TrainedNetwork", listed: bool, masks: Path | None) -> None:
    """Refuse what does not go together, in one line.

    Raises:
        ValueError: a network that follows an object, and images without its first masks; masks for
            another network; or no such folder.
    """
    follows, name = trained.network.follows, trained.config.model.network
    if not follows:
        require(masks is None, OPTION, f"left out: {name} follows no object", masks)
        return
    given = masks is not None or listed
    words = f"a folder of the first masks: {name} follows the object that they show"
    require(given, OPTION, words, "none")
    require(masks is None or masks.is_dir(), OPTION, "an existing folder", str(masks))


def films_of(pictures: "Sequence[Picture]") -> list[Film]:
    """The folders of images, each a film; its frames in the order of their numbers.

    Raises:
        ValueError: an image that is in no folder of its film.
    """
    from trainables.data.films import by_number

    found: dict[str, list[Picture]] = {}
    for picture in pictures:
        film, slash, _ = picture.name.rpartition("/")
        require(bool(slash), "FOLDER", "a folder for each film, with its frames", picture.name)
        found.setdefault(film, []).append(picture)
    return [
        Film(name, sorted(frames, key=lambda frame: by_number(frame.name)))
        for name, frames in found.items()
    ]


def predicted(
    trained: "TrainedNetwork",
    pictures: "Sequence[Picture]",
    masks: Path | None,
    device: "torch.device",
) -> "Iterator[Predicted]":
    """Yield what is predicted of each frame, film by film; of a first frame, its mask.

    Args:
        trained: a network that follows an object.
        pictures: the frames of all films.
        masks: the folder with their first masks; None: the labels of the dataset's list.
        device: where the network runs.
    """
    from trainables.training.film_prediction import FilmPredictor

    predictor = FilmPredictor(trained.network, trained.config, device)
    for film in films_of(pictures):
        mask_HW = _first_mask(film, masks)
        names = [frame.name for frame in film.frames]
        yield from predictor.predictions(names, (frame.read() for frame in film.frames), mask_HW)


def _first_mask(film: Film, masks: Path | None) -> "NDArray[np.bool_]":
    """Where the object is in the first frame (H,W)."""
    first = film.frames[0]
    if masks is not None:
        return _of_file(masks, film)
    assert first.labels is not None, "a list's images have labels"
    mask_HW: NDArray[np.bool_] = first.labels() == 1
    _require_object(bool(mask_HW.any()), first.name)
    return mask_HW


def _of_file(masks: Path, film: Film) -> "NDArray[np.bool_]":
    """Of ``FILM.png``, or ``FILM/FRAME.png`` with the first frame's name.

    Raises:
        ValueError: there is no such file, or it shows no object, or several.
    """
    from trainables.data.mask_files import read_mask

    first = film.frames[0].name
    places = (masks / f"{first}.png", masks / f"{film.name}.png")
    found = [path for path in places if path.is_file()]
    if not found:
        raise ValueError(f"{masks / first}.png: missing, and so is {film.name}.png: the first mask")
    values_HW = read_mask(found[0]).values_HW
    objects = sorted({*values_HW.flatten().tolist()} - {0})
    _require_object(bool(objects), str(found[0]))
    require(len(objects) == 1, str(found[0]), "a mask of one object, 0 elsewhere", objects)
    mask_HW: NDArray[np.bool_] = values_HW > 0
    return mask_HW


def _require_object(there: bool, mask: str) -> None:
    require(there, mask, "a mask that shows the object", "none")
