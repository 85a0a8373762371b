"""DAVIS 2016 at 480p: one object against the rest, listed frame by frame or sequence by sequence.

`JPEGImages/480p/SEQUENCE/`, `Annotations/480p/SEQUENCE/` with masks 0 and 255, and
`ImageSets/480p/{train,val}.txt` (2079 and 1376 frames) or `ImageSets/2016/` (30 and 20 sequences).
A sample's name is `SEQUENCE/FRAME`. Whatever the order of a list, the frames of a sequence follow
each other by their numbers, which may have gaps; the sequences keep the order of the list. Source:
Perazzi et al., CVPR 2016.
"""

from collections.abc import Sequence
from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.films import by_number
from trainables.data.label_tables import LabelTable
from trainables.data.samples import Groups, Layout, Pair

CLASSES = ("background", "object")
COLOURS = ((0, 0, 0), (236, 95, 103))
TABLE = LabelTable.of(
    {0: 0, 255: 1},
    "0 or 255",
    ": numbered objects are those of DAVIS 2017; davis2016 has one object",
)

SEQUENCES = Groups("sequence", "sequences", lambda name: name.split("/")[0])


def layout(config: DataConfig) -> Layout:
    root = files.descend(files.folder(config.root, "davis2016"), "DAVIS")

    def frames(line: lists.Line) -> list[Pair]:
        if len(line.words) == 1:
            return _sequence(root, line)
        image, mask = (lists.inside(root, text, line.listed) for text in line.words[:2])
        return [_pair(image, mask, line.listed)]

    official = {}
    for split in ("train", "val"):
        by_frame, by_sequence = (
            root / "ImageSets" / kind / f"{split}.txt" for kind in ("480p", "2016")
        )
        official[split] = by_sequence if by_sequence.is_file() else by_frame
        official[split] = by_frame if by_frame.is_file() else official[split]
    splits = lists.read_splits(root, config, official, frames)
    in_order = {split: _in_order(pairs) for split, pairs in splits.items()}
    return Layout("davis2016", CLASSES, COLOURS, in_order, groups=SEQUENCES, series="film")


def _in_order(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The frames of each sequence together, by their numbers."""
    place = {SEQUENCES.of(pair.name): place for place, pair in reversed([*enumerate(pairs)])}
    return tuple(
        sorted(pairs, key=lambda pair: (place[SEQUENCES.of(pair.name)], by_number(pair.image.stem)))
    )


def _sequence(root: Path, line: lists.Line) -> list[Pair]:
    folder = lists.inside(root, f"JPEGImages/480p/{line.words[0]}", line.listed)
    images = [path for path in folder.glob("*.jpg") if not files.is_junk(path)]
    if not images:
        raise DataError(f"{folder}: no frames of sequence {line.words[0]} of {line.listed}")
    masks = root / "Annotations" / "480p" / folder.name
    files.require_pairs(folder, masks)
    return [_pair(image, masks / f"{image.stem}.png", line.listed) for image in images]


def _pair(image: Path, mask: Path, listed: str) -> Pair:
    return Pair(f"{image.parent.name}/{image.stem}", image, mask, TABLE, listed)
