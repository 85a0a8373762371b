"""The quick digest that every machine computes of the files it would read."""

from pathlib import Path

import pytest
from PIL import Image

from trainables.config import DataConfig
from trainables.data import DataError
from trainables.data.fingerprint import fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind, value in (("images", 90), ("masks", 1)):
        (tmp_path / kind).mkdir()
        for number in range(20):
            Image.new("L" if kind == "masks" else "RGB", (8, 8), value).save(
                tmp_path / kind / f"{number:02d}.png"
            )
    (tmp_path / "classes.txt").write_text("ground\nthing\n")
    return tmp_path


def test_equal_files_have_equal_digests_and_others_do_not(folder: Path) -> None:
    config = DataConfig(dataset="folder", root=str(folder))
    before = fingerprint(config)
    assert before == fingerprint(config)
    weights = folder / "w.pth"
    weights.write_bytes(b"1")
    assert len({before, fingerprint(config, str(weights)), fingerprint(None, str(weights))}) == 3
    for path in (folder / "images").iterdir():
        Image.new("RGB", (8, 8), 91).save(path)
    assert fingerprint(config) != before


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "masks" / "07.png").unlink()
    with pytest.raises(DataError, match="07"):
        fingerprint(DataConfig(dataset="folder", root=str(folder)))
    with pytest.raises(OSError, match="absent"):
        fingerprint(None, str(folder / "absent"))
