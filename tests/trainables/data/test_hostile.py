"""A hostile dataset is refused with the name of the file."""

import zlib
from pathlib import Path

import pytest

from tests.study.commands.test_check_data import make
from trainables.config import TrialConfig
from trainables.data import DataError, load


def loaded(root: Path) -> None:
    load(TrialConfig().changed({"data/dataset": "folder", "data/root": str(root)}).data)


def bomb(rows: int, columns: int) -> bytes:
    """A grey PNG of so many pixels, all black, in a few hundred kilobytes at most."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return len(content).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    size = columns.to_bytes(4, "big") + rows.to_bytes(4, "big")
    head = chunk(b"IHDR", size + bytes([8, 0, 0, 0, 0]))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("rows", "columns"), [(14_000, 14_000), (60_000, 60_000)])
def test_a_small_file_that_holds_a_huge_image_is_named(
    tmp_path: Path, rows: int, columns: int
) -> None:
    """Above Pillow's bound, where it only warns, and above twice the bound."""
    path = make(tmp_path) / "images" / "3.png"
    path.write_bytes(bomb(rows, columns))
    with pytest.raises(DataError, match=r"images/3\.png: .*pixels") as raised:
        loaded(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_leads_out_of_the_folder_is_named(tmp_path: Path, what: str) -> None:
    root, outside = make(tmp_path / "data"), tmp_path / "outside"
    if what == "file":
        (root / "images" / "3.png").rename(outside)
        (root / "images" / "3.png").symlink_to(outside)
    else:
        (root / "images").rename(outside)
        (root / "images").symlink_to(outside)
    with pytest.raises(DataError, match=r"\.png: a link that leads out of the dataset's folder"):
        loaded(root)


def test_a_link_to_the_folder_and_links_inside_it_are_accepted(tmp_path: Path) -> None:
    root = make(tmp_path / "data")
    (root / "images" / "3.png").rename(root / "three.png")
    (root / "images" / "3.png").symlink_to(root / "three.png")
    (tmp_path / "link").symlink_to(root)
    loaded(tmp_path / "link")  # raises DataError where it refuses
