"""Text files as editors and spreadsheets write them: understood, or refused with file and line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.test_mask_meaning import grey, make, opened
from trainables.data import DataError
from trainables.data.dataset import escaped

CLASSES = "ground\n# a comment\n\ncell\n"


def root_of(tmp_path: Path) -> Path:
    return make(tmp_path, CLASSES, grey(0, 1))


def rename(root: Path, name: str, number: int = 0) -> None:
    for folder in ("images", "masks"):
        (root / folder / f"{number}.png").rename(root / folder / f"{name}.png")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["classes.txt", "train.txt", "samples.csv"])
def test_a_byte_order_mark_is_none_of_the_text(tmp_path: Path, encoding: str, name: str) -> None:
    root = root_of(tmp_path)
    texts = {
        "classes.txt": "void 2\r\nground\r\ncell\r\n",
        "train.txt": "0\r\n1\r\n",
        "samples.csv": "image,mask,split\r\nimages/0.png,masks/0.png,train\r\n"
        "images/1.png,masks/1.png,val\r\n",
    }
    if name == "train.txt":
        (root / "val.txt").write_text("2\n")
    (root / name).write_bytes(texts[name].encode(encoding))
    dataset = opened(root)
    assert dataset.classes == ("ground", "cell")
    assert dataset.splits["train"].names[0] == "0"


@pytest.mark.parametrize(
    "table",
    [
        "Image;Mask;Split\nimages/0.png;masks/0.png;Train\nimages/1.png;masks/1.png;valid\n",
        "split, mask, image\ntrain, masks/0.png, images/0.png\n"
        "validation, masks/1.png, images/1.png",
        "# made by hand\nimage\tmask\tsplit\nimages/0.png\tmasks/0.png\ttrain\n\n"
        "images/1.png\tmasks/1.png\tval\n",
        'IMAGE,MASK,SPLIT,note\n"images/0.png",masks/0.png,TRAIN,"a, b"\n'
        "images\\1.png,masks/1.png,val,\n",
        "image,mask,split\n{root}/images/0.png,{root}/masks/0.png,train\n"
        "images/1.png,masks/1.png,val\n",
    ],
)
def test_tables_of_every_spreadsheet_are_read(tmp_path: Path, table: str) -> None:
    root = root_of(tmp_path)
    (root / "samples.csv").write_text(table.replace("{root}", str(root)))
    splits = opened(root).splits
    assert (splits["train"].names, splits["val"].names) == (("0",), ("1",))


@pytest.mark.parametrize(
    "line",
    [
        "my image 1",
        "my image 1.png",
        "images/my image 1.png",
        "images/my image 1.png masks/my image 1.png",
        "images/my image 1.png\tmasks/my image 1.png",
        '"images/my image 1.png" "masks/my image 1.png"',
        "{root}/images/my image 1.png {root}/masks/my image 1.png",
        "{root}/images/my image 1.png",
    ],
)
def test_names_may_hold_blanks_and_paths_may_be_absolute(tmp_path: Path, line: str) -> None:
    root = root_of(tmp_path)
    rename(root, "my image 1")
    (root / "train.txt").write_text("# comment\n" + line.replace("{root}", str(root)) + "\n")
    (root / "valid.txt").write_text("3\n")
    dataset = opened(root)
    assert dataset.splits["train"].names == ("my image 1",)
    assert dataset.splits["val"].names == ("3",)


def test_folders_may_be_named_validation(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    for folder in ("images", "masks"):
        for split, numbers in {"train": "012345", "validation": "67", "test": "89"}.items():
            (root / folder / split).mkdir()
            for number in numbers:
                path = root / folder / f"{number}.png"
                path.rename(root / folder / split / path.name)
    dataset = opened(root)
    assert dataset.splits["val"].names == ("6", "7")
    assert not dataset.tests_on_validation


def test_bytes_that_are_no_utf_8_name_a_file(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    latin = b"caf\xe9".decode(errors="surrogateescape")
    rename(root, latin)
    rename(root, "two\nlines", 1)
    rename(root, "n" * 250, 2)
    names = [name for part in opened(root).splits.values() for name in part.names]
    assert {"caf\\udce9", "two\\nlines", "n" * 250} <= set(names)
    assert all(name.isprintable() and name.encode() for name in names)
    (root / "train.txt").write_bytes(b"caf\xe9\n")
    (root / "val.txt").write_text("3\n")
    assert opened(root).splits["train"].names == ("caf\\udce9",)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("classes.txt", b"gr\xfcn\ncell\n", r"classes\.txt:1: not UTF-8: save it as UTF-8"),
        ("classes.txt", "a\nb\n".encode("utf-16-le"), r"classes\.txt:1: holds a null character"),
        (
            "train.txt",
            b"0\nso ab sent\n",
            r"train\.txt:2: 'so ab sent' must be an image's name, or",
        ),
        ("train.txt", b"/etc/hostname\n", r"train\.txt:1: '/etc/hostname' leads out"),
        ("train.txt", b"n" * 300, r"n{300}: image of train\.txt:1 is missing"),
        (
            "samples.csv",
            b"image,mask\na,b\n",
            r"samples\.csv:1: needs the columns image, mask, spl",
        ),
        ("samples.csv", b"image,mask,split\na,b,dev\n", r"samples\.csv:2: split must be .*'dev'"),
        ("samples.csv", b"image,mask,split\na,,train\n", r"samples\.csv:2: has no mask"),
        ("samples.csv", b"image,mask,split\na,b,c,train\n", r"samples\.csv:2: has 4 cells, the h"),
        ("samples.csv", b"\n", r"samples\.csv: empty"),
    ],
)
def test_the_rest_is_refused_with_its_line(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    root = root_of(tmp_path)
    (root / name).write_bytes(content)
    if name == "train.txt":
        (root / "val.txt").write_text("3\n")
    with pytest.raises(DataError, match=words) as raised:
        opened(root)
    assert "\n" not in str(raised.value)


def test_an_error_is_one_printable_line() -> None:
    assert str(DataError("a\nb\udce9\x1b[31m")) == "a\\nb\\udce9\\x1b[31m"
    assert escaped("Straße 1") == "Straße 1"


def test_files_of_operating_systems_are_ignored_and_said(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    for folder in ("images", "masks"):
        for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._0.png"):
            (root / folder / name).write_bytes(b"\0\1")
    assert opened(root).sanity.notes == (
        "ignored beside the images: .DS_Store, ._0.png, Thumbs.db and 1 more",
    )


def test_gif_images_and_masks_are_read_and_films_refused(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    for folder in ("images", "masks"):
        path = root / folder / "0.png"
        Image.open(path).save(path.with_suffix(".gif"))
        path.unlink()
    assert opened(root).splits["train"].labels_NHW[0, 0].tolist() == [0] * 5 + [1] * 3
    frames = [Image.fromarray(np.full((6, 8), value, np.uint8)) for value in (0, 90)]
    frames[0].save(root / "images" / "0.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"0\.gif: must hold one image, got 2"):
        opened(root)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".gif", ".webp", ".bmp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_file_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    """Whatever is read of it first, its size or its orientation."""
    root = root_of(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = root / "images" / f"0{suffix}"
    Image.fromarray(noise).save(path)
    if suffix != ".png":
        (root / "images" / "0.png").unlink()
    Image.fromarray(np.tile(np.array(grey(0, 1)), (11, 8))[:64, :64]).save(root / "masks" / "0.png")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match=rf"images/0\{suffix}: "):
        opened(root)
