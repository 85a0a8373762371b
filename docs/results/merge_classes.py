"""Merge the classes of a folder dataset: ``python docs/results/merge_classes.py animals DIR OUT``.

The datasets ``animals`` and ``clothing`` of docs/results.md are folders whose masks hold classes
that no training image shows. OUT has the images and lists of DIR, and masks of few classes; a class
that no merged class names is background. 255 stays void.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ANIMALS = ("cat", "cow", "dog", "horse", "person", "sheep")
_CLOTHING = {
    "skin": "skin",
    "hair": "hair",
    "upper": "blazer blouse bodysuit cape cardigan coat hoodie jacket jumper shirt suit sweater"
    " sweatshirt t-shirt top vest",
    "dress": "dress romper",
    "lower": "jeans leggings pants shorts skirt stockings tights",
    "shoes": "boots clogs flats heels loafers pumps sandals shoes sneakers wedges",
    "accessory": "accessories bag belt glasses gloves hat purse scarf socks sunglasses tie wallet",
}
MERGED: dict[str, dict[str, tuple[str, ...]]] = {
    "animals": {name: (name,) for name in _ANIMALS},
    "clothing": {name: tuple(old.split()) for name, old in _CLOTHING.items()},
}
"""For each dataset: merged class to the names in DIR/classes.txt that it takes in."""


def table(names: list[str], merged: dict[str, tuple[str, ...]]) -> NDArray[np.uint8]:
    """New value of each old one (256), from the old classes' ``names`` in order of their values."""
    values = np.zeros(256, np.uint8)
    values[255] = 255
    for new, olds in enumerate(merged.values(), start=1):
        values[[names.index(old) for old in olds]] = new
    return values


def merge(source: Path, out: Path, merged: dict[str, tuple[str, ...]], masks: str) -> None:
    """Copy images and lists of ``source`` to ``out``, and write the masks of ``merged`` classes."""
    shutil.copytree(source, out, ignore=shutil.ignore_patterns("masks*", "filled_*"))
    (out / "classes.txt").write_text("\n".join(("background", *merged)) + "\n")
    values = table((source / "classes.txt").read_text().split("\n"), merged)
    (out / "masks").mkdir()
    for path in sorted((source / masks).iterdir()):
        Image.fromarray(values[np.asarray(Image.open(path))]).save(out / "masks" / path.name)


def main() -> None:
    """Read the command line; ``masks_filled`` goes before ``masks``."""
    parser = argparse.ArgumentParser(description="merge the classes of a folder dataset")
    parser.add_argument("dataset", choices=sorted(MERGED))
    parser.add_argument("dir", type=Path, help="has images, masks and classes.txt")
    parser.add_argument("out", type=Path, help="the folder to make")
    typed = parser.parse_args()
    if not (typed.dir / "classes.txt").is_file() or typed.out.exists():
        parser.error(f"DIR needs classes.txt, and OUT must not exist, got {typed.dir} {typed.out}")
    filled = "masks_filled" if (typed.dir / "masks_filled").is_dir() else "masks"
    merge(typed.dir, typed.out, MERGED[typed.dataset], filled)


if __name__ == "__main__":
    main()
