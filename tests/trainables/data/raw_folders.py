"""Small raw datasets as they lie on disks, drawn here: nothing in them has a name of ours."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Labels = NDArray[np.int64]


def blobs(index: int, rows: int, columns: int, count: int = 2) -> Labels:
    """Disks of 1..count on 0, elsewhere in every image."""
    y_HW, x_HW = np.mgrid[:rows, :columns]
    labels_HW = np.zeros((rows, columns), dtype=np.int64)
    random = np.random.default_rng([7, index])
    for number in range(1, count + 1):
        down, right = random.uniform(0.2, 0.8, 2) * (rows, columns)
        near_HW = (y_HW - down) ** 2 + (x_HW - right) ** 2 <= (min(rows, columns) / 5) ** 2
        labels_HW[near_HW] = number
    return labels_HW


def picture(labels_HW: Labels, index: int, channels: int = 3) -> Image.Image:
    """Brighter where an object is; with noise, so that no two images are equal."""
    random = np.random.default_rng([8, index])
    noise = random.integers(0, 60, (*labels_HW.shape, channels))
    image = (100 * (labels_HW > 0)[..., None] + noise).astype(np.uint8)
    return Image.fromarray(image if channels > 1 else image[..., 0])


def em_stack(root: Path, images: int = 20, size: tuple[int, int] = (32, 48)) -> Path:
    """Binary electron microscopy: grey `image/NNN.png`, 0/255 in `label/NNN.png`, no lists."""
    for folder in ("image", "label"):
        (root / folder).mkdir(parents=True)
    for index in range(images):
        labels_HW = blobs(index, *size)
        picture(labels_HW, index, 1).save(root / "image" / f"{index:03}.png")
        mask = Image.fromarray((255 * (labels_HW > 0)).astype(np.uint8))
        mask.save(root / "label" / f"{index:03}.png")
    return root


def nuclei(root: Path, images: int = 20) -> Path:
    """16-bit masks that number nuclei, two sizes, and a TSV with columns of its own names."""
    rows = ["id\tfile\tseg\tset\tstain"]
    for folder in ("raw", "annotated"):
        (root / folder).mkdir(parents=True)
    for index in range(images):
        labels_HW = 300 * blobs(index, *((32, 48) if index % 2 else (40, 36)), count=3)
        image, mask = f"raw/slide{index}.png", f"annotated/slide{index}_instances.png"
        picture(labels_HW, index).save(root / image)
        Image.fromarray(labels_HW.astype(np.uint16)).save(root / mask)
        split = "train" if index % 10 < 6 else "validation" if index % 10 < 8 else "test"
        rows.append(f"{index}\t{image}\t{mask}\t{split}\tHE")
    (root / "slides.tsv").write_text("\n".join(rows) + "\n")
    return root


def retina(root: Path, images: int = 10, size: tuple[int, int] = (32, 48)) -> Path:
    """Vessels as DRIVE has them: TIFF images, GIF masks of other names in folders of other names,
    the field of view beside both, half of the images in `training/`, half in `test/`."""
    for number in range(1, 2 * images + 1):
        split = "test" if number <= images else "training"
        for folder in ("images", "1st_manual", "mask"):
            (root / split / folder).mkdir(parents=True, exist_ok=True)
        labels_HW = blobs(number, *size)
        picture(labels_HW, number).save(root / split / "images" / f"{number:02}_{split}.tif")
        vessels = Image.fromarray((255 * (labels_HW > 0)).astype(np.uint8))
        vessels.save(root / split / "1st_manual" / f"{number:02}_manual1.gif")
        view = Image.new("L", size[::-1], 255)
        view.save(root / split / "mask" / f"{number:02}_{split}_mask.gif")
    return root
