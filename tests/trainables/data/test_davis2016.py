"""DAVIS 2016: the order of its frames, whole sequences in every list, masks of several objects."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.real_layouts import listing, opened
from trainables.config import DataConfig
from trainables.data import DataError, open_layout


def davis(root: Path, **frames: tuple[str, ...]) -> Path:
    """A DAVIS folder with these frames of each sequence; the object grows by a pixel a frame."""
    for sequence, names in frames.items():
        for place, name in enumerate(names):
            for kind in ("JPEGImages", "Annotations"):
                (root / kind / "480p" / sequence).mkdir(parents=True, exist_ok=True)
            mask = np.zeros((12, 16), np.uint8)
            mask[2 : 6 + place, 3:8] = 255
            Image.fromarray(mask).save(root / "Annotations/480p" / sequence / f"{name}.png")
            picture = Image.fromarray(np.full((12, 16, 3), 40 * place, np.uint8))
            picture.save(root / "JPEGImages/480p" / sequence / f"{name}.jpg")
    return root


def names_of(root: Path, listed: str, split: str = "train", holdout: int = 0) -> list[str]:
    """Of the frames of a list, which is the validation list, too, unless that is held out."""
    config = DataConfig(
        dataset="davis2016",
        root=str(root),
        train_list=listed,
        val_list="" if holdout else listed,
        holdout=holdout,
    )
    return [sample.name for sample in open_layout(config).splits[split]]


def test_frames_follow_each_other_by_number_with_gaps_and_without_leading_zeros(
    tmp_path: Path,
) -> None:
    root = davis(tmp_path, dog=("9", "10", "2"), bear=("00003", "00000", "00017"), cow=("00000",))
    assert names_of(root, listing(tmp_path, "dog", "bear", "cow")) == [
        *("dog/2", "dog/9", "dog/10", "bear/00000", "bear/00003", "bear/00017", "cow/00000")
    ]


def test_a_sequence_misses_no_frame_that_has_a_mask(tmp_path: Path) -> None:
    root = davis(tmp_path, dog=("00000", "00001", "00002"))
    (root / "JPEGImages/480p/dog/00001.jpg").unlink()
    with pytest.raises(DataError, match=r"Annotations/480p/dog/00001\.png: no image of that name"):
        names_of(root, listing(tmp_path, "dog"))


def test_a_list_of_frames_in_any_order_gives_films_in_order(tmp_path: Path) -> None:
    root = davis(tmp_path, dog=("00000", "00001", "00002"), bear=("00000", "00001"))
    lines = [
        f"/JPEGImages/480p/{name}.jpg /Annotations/480p/{name}.png"
        for name in ("dog/00002", "bear/00001", "dog/00000", "bear/00000", "dog/00001")
    ]
    assert names_of(root, listing(tmp_path, *lines)) == [
        *("dog/00000", "dog/00001", "dog/00002", "bear/00000", "bear/00001")
    ]


def test_every_list_has_whole_sequences(tmp_path: Path) -> None:
    films = {name: tuple(f"{n:05d}" for n in range(4)) for name in ("ant", "bee", "cat", "dog")}
    root = davis(tmp_path, **films)
    chosen = listing(tmp_path, *films)
    (root / "ImageSets/2016").mkdir(parents=True)
    (root / "ImageSets/2016/val.txt").write_text("dog\n")
    of = {split: names_of(root, chosen, split, holdout=4) for split in ("train", "val", "test")}
    assert [len(names) for names in of.values()] == [12, 4, 4]
    sequences = [{name.split("/")[0] for name in names} for names in of.values()]
    assert not sequences[0] & sequences[1]


def test_masks_of_several_objects_are_refused_by_name(tmp_path: Path) -> None:
    root = davis(tmp_path, dog=("00000", "00001"))
    numbered = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8).repeat(6, 0).repeat(8, 1))
    numbered.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 759)
    numbered.save(root / "Annotations/480p/dog/00000.png")
    chosen = listing(tmp_path, "dog")
    with pytest.raises(DataError) as error:
        opened("davis2016", root, train_list=chosen, val_list=chosen, holdout=0)
    said = str(error.value)
    assert said.endswith(
        "dog/00000.png: labels must be 0 or 255, got 1: numbered objects are those of DAVIS 2017; "
        "davis2016 has one object"
    )
