"""ADE20K of the MIT scene parsing benchmark: `ADEChallengeData2016`, 150 classes, 0 = void.

`images/{training,validation}/` and `annotations/{training,validation}/`, 20210 and 2000 images.
Source of the names: objectInfo150.txt, the first of each line's synonyms; Zhou et al., CVPR 2017.
"""

from pathlib import Path

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.label_tables import LabelTable, voc_palette
from trainables.data.samples import Layout, Pair, Sample

CLASSES = tuple(
    (
        "wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, "
        "sidewalk, person, earth, door, table, mountain, plant, curtain, chair, car, water, "
        "painting, sofa, shelf, house, sea, mirror, rug, field, armchair, seat, fence, desk, "
        "rock, wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard, chest of "
        "drawers, counter, sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, "
        "stairs, runway, case, pool table, pillow, screen door, stairway, river, bridge, "
        "bookcase, blind, coffee table, toilet, flower, book, hill, bench, countertop, stove, "
        "palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus, "
        "towel, light, truck, tower, chandelier, awning, streetlight, booth, television, "
        "airplane, dirt track, apparel, pole, land, bannister, escalator, ottoman, bottle, "
        "buffet, poster, stage, van, ship, fountain, conveyer belt, canopy, washer, plaything, "
        "swimming pool, stool, barrel, basket, waterfall, tent, bag, minibike, cradle, oven, "
        "ball, food, step, tank, trade name, microwave, pot, animal, bicycle, lake, dishwasher, "
        "screen, blanket, sculpture, hood, sconce, vase, traffic light, tray, ashcan, fan, pier, "
        "crt screen, plate, monitor, bulletin board, shower, radiator, glass, clock, flag"
    ).split(", ")
)
COLOURS = voc_palette(len(CLASSES) + 1)[1:]
TABLE = LabelTable.from_one(len(CLASSES))
FOLDERS = {"train": "training", "val": "validation"}


def layout(config: DataConfig) -> Layout:
    """A list's line is an image's name: ``ADE_val_00000001`` lies in ``validation``."""
    root = files.descend(files.folder(config.root, "ade20k"), "ADEChallengeData2016")

    def official(split: str) -> tuple[Sample, ...]:
        return _folder(root, FOLDERS[split]) if split in FOLDERS else ()

    splits = lists.of_splits(root, config, official, lambda line: [_listed(root, line)])
    return Layout("ade20k", CLASSES, COLOURS, splits)


def _folder(root: Path, folder: str) -> tuple[Sample, ...]:
    files.require_pairs(root / "images" / folder, root / "annotations" / folder)
    images = sorted(x for x in (root / "images" / folder).glob("*.jpg") if not files.is_junk(x))
    if not images:
        raise DataError(f"{root / 'images' / folder}: no *.jpg in it")
    return tuple(_pair(root, folder, image.stem) for image in images)


def _listed(root: Path, line: lists.Line) -> Pair:
    name = Path(line.words[0]).stem
    folder = "training" if name.startswith("ADE_train") else "validation"
    return _pair(root, folder, name, line.listed)


def _pair(root: Path, folder: str, name: str, listed: str = "") -> Pair:
    image = root / "images" / folder / f"{name}.jpg"
    return Pair(name, image, root / "annotations" / folder / f"{name}.png", TABLE, listed)
