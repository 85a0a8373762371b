"""A hostile dataset is refused with the name of the file."""

import zlib
from pathlib import Path

import pytest

from tests.study.commands.test_check_data import make
from trainables.config import DataConfig, TrialConfig
from trainables.data import DataError, Dataset, load


def loaded(root: Path) -> Dataset:
    return load(TrialConfig().changed({"data/dataset": "folder", "data/root": str(root)}).data)


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


@pytest.mark.parametrize(("rows", "columns"), [(13_000, 13_000), (60_000, 60_000)])
def test_a_small_file_that_holds_a_huge_image_is_named(
    tmp_path: Path, rows: int, columns: int
) -> None:
    """Above our bound, where Pillow only warns, and above twice the bound."""
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
    with pytest.raises(DataError, match=r"\.png: a link that leads out of .*data/links=follow"):
        loaded(root)


@pytest.mark.parametrize("what", ["file", "folder", "listed"])
def test_links_out_of_the_folder_are_followed_with_one_option(tmp_path: Path, what: str) -> None:
    """Shared storages are full of them; the content, not the place, is a study's data."""
    root, outside = make(tmp_path / "data"), tmp_path / "outside"
    plain = loaded(make(tmp_path / "plain")).digest
    place = root / "images" if what == "folder" else root / "images" / "3.png"
    place.rename(outside)
    place.symlink_to(outside)
    if what == "listed":
        names = sorted(path.stem for path in (root / "images").iterdir())
        (root / "train.txt").write_text("\n".join(names[:-2]) + "\n")
        (root / "val.txt").write_text("\n".join(names[-2:]) + "\n")
        with pytest.raises(DataError, match=r"3\.png: a link that leads out"):
            loaded(root)
    found = load(DataConfig(dataset="folder", root=str(root), links="follow"))
    assert (found.digest == plain) == (what != "listed")


def test_the_option_follows_links_and_no_path_of_a_list_that_leads_out(tmp_path: Path) -> None:
    root = make(tmp_path / "data")
    (root / "images" / "0.png").rename(tmp_path / "0.png")
    (tmp_path / "link").mkdir()
    (root / "images" / "up").symlink_to(tmp_path / "link")
    for name in ("../../0.png", "up/../0.png", str(tmp_path / "0.png")):
        (root / "train.txt").write_text(f"{name}\n")
        (root / "val.txt").write_text("1.png\n")
        with pytest.raises(DataError, match="leads out of the dataset's folder"):
            load(DataConfig(dataset="folder", root=str(root), links="follow"))


def test_a_link_to_the_folder_and_links_inside_it_are_accepted(tmp_path: Path) -> None:
    root = make(tmp_path / "data")
    (root / "images" / "3.png").rename(root / "three.png")
    (root / "images" / "3.png").symlink_to(root / "three.png")
    (tmp_path / "link").symlink_to(root)
    loaded(tmp_path / "link")  # raises DataError where it refuses
