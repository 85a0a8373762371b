"""CamVid: the real files, and every error that files can have."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainables.config import DataConfig
from trainables.data import DataError, load
from trainables.data.layouts import camvid
from trainables.geometry.boundaries import VOID


def make(root: Path, *, original_lines: bool = False) -> Path:
    """Make a CamVid of six 12x16 images, each with every class and void."""
    for split in camvid.SPLITS:
        for folder in (split, f"{split}annot"):
            (root / folder).mkdir(parents=True)
        lines = []
        for index in range(2):
            labels = (np.arange(12 * 16).reshape(12, 16) // 8 % 12).astype(np.uint8)
            image = np.full((12, 16, 3), 20 * index, dtype=np.uint8)
            Image.fromarray(image).save(root / split / f"{index}.png")
            Image.fromarray(labels).save(root / f"{split}annot" / f"{index}.png")
            before = "/SegNet/CamVid/" if original_lines else ""
            lines.append(f"{before}{split}/{index}.png {before}{split}annot/{index}.png")
        (root / f"{split}.txt").write_text("\n".join(lines) + "\n")
    return root


def config(root: Path, height: int = 0, width: int = 0, train_images: int = 0) -> DataConfig:
    return DataConfig(
        dataset="camvid", root=str(root), height=height, width=width, train_images=train_images
    )


@pytest.mark.parametrize("original_lines", [False, True])
def test_both_forms_of_the_lists_are_read(tmp_path: Path, original_lines: bool) -> None:
    dataset = load(config(make(tmp_path, original_lines=original_lines)))
    assert {split: len(part) for split, part in dataset.splits.items()} == {
        "train": 2,
        "val": 2,
        "test": 2,
    }
    assert dataset.size == (12, 16)
    assert set(np.unique(dataset.splits["val"].labels_NHW)) == {*range(11), VOID}


def test_the_digest_follows_the_files_and_not_the_folder(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    assert load(config(one)).digest == load(config(two)).digest
    Image.fromarray(np.zeros((12, 16), dtype=np.uint8)).save(two / "valannot" / "1.png")
    load.cache_clear()
    assert load(config(one)).digest != load(config(two)).digest


def _no_list(root: Path) -> None:
    (root / "val.txt").unlink()


def _empty_list(root: Path) -> None:
    (root / "train.txt").write_text("\n")


def _no_mask(root: Path) -> None:
    (root / "testannot" / "1.png").unlink()


def _bad_label(root: Path) -> None:
    Image.fromarray(np.full((12, 16), 37, dtype=np.uint8)).save(root / "valannot" / "0.png")


def _cut_image(root: Path) -> None:
    path = root / "train" / "0.png"
    path.write_bytes(path.read_bytes()[:40])


def _other_size(root: Path) -> None:
    Image.fromarray(np.zeros((6, 16), dtype=np.uint8)).save(root / "trainannot" / "1.png")


def _wide_mask(root: Path) -> None:
    wide = Image.fromarray(np.zeros((12, 16), dtype=np.uint16))
    wide.save(root / "trainannot" / "1.png")


def _deep_colours(root: Path) -> None:
    """A PNG of 16 bits per channel, which Pillow opens as RGB without its lower byte."""
    deep = np.full((12, 1 + 16 * 3 * 2), 7, dtype=np.uint8)
    deep[:, 0] = 0  # no filter
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 16, 12, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(deep.tobytes())),
        (b"IEND", b""),
    ]
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    (root / "train" / "0.png").write_bytes(content)


def _outside(root: Path) -> None:
    (root / "val.txt").write_text("../../etc/passwd valannot/0.png\n")


def _one_path(root: Path) -> None:
    (root / "val.txt").write_text("val/0.png\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_list, ["val.txt", "missing"]),
        (_empty_list, ["train.txt", "empty"]),
        (_no_mask, ["1.png", "mask of test.txt:2 is missing"]),
        (_bad_label, ["valannot/0.png", "labels must be 0..10", "got 37"]),
        (_cut_image, ["train/0.png", "cannot be decoded"]),
        (_other_size, ["trainannot/1.png", "differs from its image"]),
        (_wide_mask, ["trainannot/1.png", "8 bits a channel, got 16"]),
        (_deep_colours, ["train/0.png", "8 bits a channel, got 16"]),
        (_outside, ["val.txt", "leads out of"]),
        (_one_path, ["val.txt:1", "got 1 paths"]),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(
    tmp_path: Path, spoil: Callable[[Path], None], words: list[str]
) -> None:
    spoil(make(tmp_path))
    with pytest.raises(DataError) as caught:
        load(config(tmp_path))
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config_of_data", "words"),
    [
        (DataConfig(dataset="nothing"), "data/dataset must be one of"),
        (DataConfig(dataset="camvid"), "needs a folder"),
        (DataConfig(dataset="camvid", root="/nowhere/at/all"), "must be an existing folder"),
        (DataConfig(height=10), "must be given together"),
    ],
)
def test_a_dataset_that_cannot_be_found_is_refused(config_of_data: DataConfig, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(config_of_data)


def test_the_real_camvid_has_all_its_images_and_classes(camvid_root: Path) -> None:
    dataset = load(config(camvid_root, height=60, width=80, train_images=40))
    assert {split: len(part) for split, part in dataset.splits.items()} == {
        "train": 40,
        "val": 101,
        "test": 233,
    }
    assert dataset.num_classes == 11
    shares = np.bincount(dataset.splits["test"].labels_NHW.ravel(), minlength=256)
    assert (shares[:11] > 0).all()
    assert shares[VOID] > 0
    assert shares[11:VOID].sum() == 0
