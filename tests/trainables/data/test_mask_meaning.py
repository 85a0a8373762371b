"""Whatever a mask holds is understood or refused; nothing of it becomes void in silence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainables.config import DataConfig
from trainables.data import DataError, Dataset, load

ROWS, COLUMNS = 6, 8
HALVES = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
HALVES[:, 5:] = 1
VOC = [0, 0, 0, 128, 0, 0, 0, 128, 0]


def grey(*values: int) -> Image.Image:
    """The left part has the first value, the right part the second."""
    return Image.fromarray(np.array(values, dtype=np.uint8)[HALVES])


def coloured(*colours: tuple[int, int, int]) -> Image.Image:
    return Image.fromarray(np.array(colours, dtype=np.uint8)[HALVES])


def palette(indices: tuple[int, int], colours: list[int]) -> Image.Image:
    image = Image.fromarray(np.array(indices, dtype=np.uint8)[HALVES], "P")
    image.putpalette(colours)
    return image


def make(root: Path, classes: str, *masks: Image.Image) -> Path:
    """Ten images; the masks take turns."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for index in range(10):
        image = np.full((ROWS, COLUMNS, 3), 20 * index, dtype=np.uint8)
        Image.fromarray(image).save(root / "images" / f"{index}.png")
        masks[index % len(masks)].save(root / "masks" / f"{index}.png")
    (root / "classes.txt").write_text(classes)
    return root


def opened(root: Path) -> Dataset:
    load.cache_clear()
    return load(DataConfig(dataset="folder", root=str(root), holdout=0))


@pytest.mark.parametrize(
    ("classes", "mask"),
    [
        ("ground\ncell\n", grey(0, 1)),
        ("ground\ncell\n", grey(0, 255)),
        ("ground\ncell\n", palette((0, 255), [0] * 768)),
        ("ground\ncell\n", grey(0, 255).convert("1")),
        ("ground 0 0 0\ncell 255 255 255\n", grey(0, 255)),
        ("ground 0 0 0\ncell 255 255 255\n", grey(0, 255).convert("1")),
        ("ground 0 0 0\ncell 255 255 255\n", grey(0, 255).convert("RGB")),
        ("ground 0 0 0\ncell 255 255 255\n", grey(0, 255).convert("RGBA")),
        ("ground 0 0 0\ncell 255 255 255\n", grey(0, 1)),
        ("ground 0 0 0\ncell 128 128 128\n", grey(0, 128)),
        ("ground 255 255 255\ncell 0 0 0\n", grey(255, 0)),
        ("ground 9 8 7\ncell 200 1 2\n", coloured((9, 8, 7), (200, 1, 2))),
        ("ground 0 0 0\ncell 128 0 0\n", palette((0, 1), VOC)),
        ("ground 0 0 0\ncell 0 128 0\n", palette((0, 2), VOC)),
        ("ground 128 0 0\ncell 0 128 0\n", palette((1, 2), VOC)),
        ("ground 128 64 128\ncell 128 128 128\n", grey(0, 1)),
        ("ground\ncell 255 0 0\n", grey(0, 255)),
    ],
)
def test_two_classes_are_understood(tmp_path: Path, classes: str, mask: Image.Image) -> None:
    dataset = opened(make(tmp_path, classes, mask))
    assert np.array_equal(dataset.splits["train"].labels_NHW[0], HALVES)
    assert not dataset.sanity.failures


def test_a_mask_of_four_bits_is_not_stretched(tmp_path: Path) -> None:
    """Pillow reads 1 of 4 bits as 17, and 15 as 255, which would be void."""
    import zlib

    root = make(tmp_path, "\n".join(f"c{label}" for label in range(16)), grey(0, 1))
    rows = b"".join(b"\0" + bytes([0x01, 0x23, 0x45, 0xEF]) for _ in range(ROWS))

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = COLUMNS.to_bytes(4, "big") + ROWS.to_bytes(4, "big") + bytes([4, 0, 0, 0, 0])
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    (root / "masks" / "0.png").write_bytes(png + chunk(b"IEND", b""))
    labels = opened(root).splits["train"].labels_NHW[0, 0]
    assert labels.tolist() == [0, 1, 2, 3, 4, 5, 14, 15]


def test_how_255_is_read_is_said(tmp_path: Path) -> None:
    said = opened(make(tmp_path, "ground\ncell\n", grey(0, 255))).sanity.notes
    assert any("read as 0 ground, 255 cell" in line for line in said)


def test_255_beside_both_classes_is_void(tmp_path: Path) -> None:
    three = np.array(grey(0, 1))
    three[:, 0] = 255
    dataset = opened(make(tmp_path, "ground\ncell\n", Image.fromarray(three)))
    assert (dataset.splits["train"].labels_NHW[:, :, 0] == 255).all()
    assert any("12.5% of all pixels are void" in line for line in dataset.sanity.notes)


def test_255_that_is_written_as_void_is_void_and_the_class_is_missed(tmp_path: Path) -> None:
    dataset = opened(make(tmp_path, "ground\ncell\nvoid 255\n", grey(0, 255)))
    assert dataset.sanity.failures == (
        "train: no pixel of class 'cell': give images that show them, or take them out of the "
        "classes and the masks; 255 is void here: `NAME 255 255 255` in classes.txt would make it "
        "a class",
    )


def test_masks_of_two_kinds_are_noticed(tmp_path: Path) -> None:
    dataset = opened(make(tmp_path, "ground\ncell\n", grey(0, 1), grey(0, 255)))
    assert any("is 255 a class in some of them?" in line for line in dataset.sanity.warnings)


def test_a_class_without_a_pixel_fails_and_much_void_warns(tmp_path: Path) -> None:
    dataset = opened(make(tmp_path, "ground\ncell\nedge\n", grey(255, 1)))
    (failure,) = dataset.sanity.failures
    assert "train: no pixel of classes 'ground', 'edge'" in failure
    assert any("train: 62.5% of all pixels are void" in line for line in dataset.sanity.warnings)


def test_void_has_a_colour(tmp_path: Path) -> None:
    mask = np.array(coloured((9, 8, 7), (200, 1, 2)))
    mask[0, 0] = (224, 224, 192)
    classes = "ground 9 8 7\ncell 200 1 2\nvoid 224 224 192\n"
    dataset = opened(make(tmp_path, classes, Image.fromarray(mask)))
    assert dataset.classes == ("ground", "cell")
    assert dataset.splits["train"].labels_NHW[0, 0].tolist() == [255, 0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("classes", "mask", "words"),
    [
        (
            "ground\ncell\nrim\n",
            grey(0, 200),
            r"masks/0\.png: labels must be 0\.\.2 .* got 200; `NAME 200 200 200`",
        ),
        (
            "ground 0 0 0\ncell 255 255 255\n",
            Image.fromarray(np.array(grey(0, 255)) - np.array(HALVES)),
            r"masks/0\.png: labels must be .* got 254",
        ),
        (
            "ground 9 8 7\ncell 200 1 2\n",
            coloured((9, 8, 7), (200, 1, 3)),
            r"masks/0\.png: must hold the colours of classes\.txt, got 200 1 3; `NAME 200 1 3`",
        ),
        (
            "ground\ncell 200 1 2\n",
            coloured((9, 8, 7), (200, 1, 2)),
            r"masks/0\.png: a mask must be 8-bit with one channel, got mode RGB; .* colour",
        ),
        (
            "ground 0 0 0\ncell 1 2 3\n",
            palette((0, 1), VOC),
            r"masks/0\.png: its palette contradicts classes\.txt: index 1 has the colour 128 0 0",
        ),
        ("a\nb\x1b[31m\n", grey(0, 1), r"classes\.txt:2: .* holds a control character"),
        ("a 0 0 0\nb 0 0 0\n", grey(0, 1), r"classes\.txt:2: the colour 0 0 0 is given twice"),
        ("a\na\n", grey(0, 1), r"classes\.txt:2: class 'a' is named twice"),
        ("a\nb 0 0 256\n", grey(0, 1), r"classes\.txt:2: a colour .* 0\.\.255, got 0 0 256"),
        ("a\nb\nvoid 0 0\n", grey(0, 1), r"classes\.txt:3: void must have one value or a colour"),
        ("a\nb\nvoid\n", grey(0, 1), r"classes\.txt:3: void must have one value or a colour"),
        ("a\nb\nvoid 0\nvoid 7\n", grey(0, 1), r"classes\.txt:4: void is 0 already, got 7"),
    ],
)
def test_the_rest_is_refused_in_one_line(
    tmp_path: Path, classes: str, mask: Image.Image, words: str
) -> None:
    with pytest.raises(DataError, match=words) as raised:
        opened(make(tmp_path, classes, mask))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("count", "void", "fits"),
    [(255, "", True), (256, "", False), (255, "void 0\n", False), (254, "void 0\n", True)],
)
def test_label_255_stays_void(tmp_path: Path, count: int, void: str, fits: bool) -> None:
    names = "".join(f"c{label}\n" for label in range(count))
    make(tmp_path, names + void, grey(1, 254))
    if fits:
        assert opened(tmp_path).num_classes == count
    else:
        with pytest.raises(DataError, match=r"classes\.txt: must name 2\.\.25[45] classes, got 25"):
            opened(tmp_path)


def test_two_images_do_not_share_a_mask(tmp_path: Path) -> None:
    root = make(tmp_path, "a\nb\n", grey(0, 1))
    grey(7, 9).save(root / "images" / "0.bmp")
    with pytest.raises(DataError, match=r"0\.bmp: has the same mask as 0\.png; rename one"):
        opened(root)


def test_a_size_that_no_memory_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="data/height x data/width must be at most 100000000"):
        DataConfig(height=100_000, width=100_000)
