"""The lists of every layout, with few images and most files left out.

Enough to open a layout; only those of ``folder`` can be read.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

CITIES = ("aachen", "bochum", "bremen", "cologne")


def touch(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _cityscapes(root: Path) -> None:
    for city in (*CITIES, "frankfurt"):
        split = "val" if city == "frankfurt" else "train"
        for number in range(6):
            touch(root / f"leftImg8bit/{split}/{city}/{city}_{number:06d}_000019_leftImg8bit.png")


def _ade20k(root: Path) -> None:
    for split, folder, count in (("train", "training", 30), ("val", "validation", 4)):
        for number in range(count):
            touch(root / f"images/{folder}/ADE_{split}_{number:08d}.jpg")
            touch(root / f"annotations/{folder}/ADE_{split}_{number:08d}.png")


def _names(first: int, count: int) -> str:
    return "".join(f"2007_{number:06d}\n" for number in range(first, first + count))


def _voc2012(root: Path) -> None:
    touch(root / "ImageSets/Segmentation/train.txt", _names(0, 30))
    touch(root / "ImageSets/Segmentation/val.txt", _names(50, 8))


def _pascal_context(root: Path) -> None:
    touch(root / "ImageSets/SegmentationContext/train.txt", _names(0, 30))
    touch(root / "ImageSets/SegmentationContext/val.txt", _names(50, 8))


def _davis2016(root: Path) -> None:
    for split, films in (("train", ("bear", "boat", "car", "dog")), ("val", ("cows",))):
        frames = [
            f"JPEGImages/480p/{film}/{frame:05d}.jpg Annotations/480p/{film}/{frame:05d}.png"
            for film in films
            for frame in range(12)
        ]
        touch(root / f"ImageSets/480p/{split}.txt", "\n".join(frames))


def _camvid(root: Path) -> None:
    for place, split in enumerate(("train", "val", "test")):
        names = [f"{split}/{number}.png" for number in range(place * 30, place * 30 + 20)]
        touch(root / f"{split}.txt", "\n".join(f"{name} {name}" for name in names))


def _nyuv2(root: Path) -> None:
    from scipy.io import savemat

    train = [*range(1, 8), *range(20, 31), *range(40, 44), *range(50, 62)]
    test = sorted({*range(1, 70)} - {*train})
    savemat(root / "splits.mat", {"trainNdxs": np.array(train), "testNdxs": np.array(test)})


def _nyud_mt(root: Path) -> None:
    for split, numbers in (("train", [*range(1, 8), *range(20, 40)]), ("val", [8, 9, 41])):
        touch(root / f"gt_sets/{split}.txt", "".join(f"{number:04d}\n" for number in numbers))


def _pascal_mt(root: Path) -> None:
    touch(root / "ImageSets/Context/train.txt", _names(0, 30))
    touch(root / "ImageSets/Context/val.txt", _names(50, 8))


def _wmh(root: Path) -> None:
    import nibabel

    for number in range(5):
        folder = root / str(number)
        (folder / "pre").mkdir(parents=True)
        volume = nibabel.Nifti1Image(np.zeros((4, 4, 3), np.uint8), np.eye(4))
        nibabel.save(volume, folder / "pre" / "FLAIR.nii.gz")


def _folder(root: Path) -> None:
    touch(root / "classes.txt", "ground\ncell\n")
    for number in range(20):
        for folder in ("images", "masks"):
            (root / folder).mkdir(exist_ok=True)
            pixels = np.array([[0, 1], [1, number]], np.uint8) if folder == "images" else np.eye(2)
            Image.fromarray(pixels.astype(np.uint8)).save(root / folder / f"{number:02d}.png")
    touch(root / "train.txt", "".join(f"{number:02d}\n" for number in range(15)))
    touch(root / "val.txt", "".join(f"{number:02d}\n" for number in range(15, 20)))


MAKE: dict[str, Callable[[Path], None]] = {
    "ade20k": _ade20k,
    "camvid": _camvid,
    "cityscapes": _cityscapes,
    "davis2016": _davis2016,
    "folder": _folder,
    "moving_shapes": lambda root: None,
    "nyud_mt": _nyud_mt,
    "nyuv2": _nyuv2,
    "pascal_context": _pascal_context,
    "pascal_mt": _pascal_mt,
    "shapes": lambda root: None,
    "voc2012": _voc2012,
    "wmh": _wmh,
}
