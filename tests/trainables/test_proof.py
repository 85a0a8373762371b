"""Writing is complete or nothing, and leaves no drafts; a seal is part of the archive."""

import io
import zipfile
from pathlib import Path

import pytest

from trainables import proof


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a", "content")
    return buffer.getvalue()


def test_a_sealed_archive_is_still_an_archive() -> None:
    sealed = proof.seal(archive())
    with zipfile.ZipFile(io.BytesIO(sealed)) as file:
        assert file.read("a") == b"content"
    assert proof.unseal(sealed, "a.zip") == archive()
    with pytest.raises(proof.UnprovenError, match=r"a\.zip: carries no hash"):
        proof.unseal(archive(), "a.zip")


def test_a_write_that_dies_leaves_the_old_file_and_the_next_one_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    proof.write(path, b"old")
    with monkeypatch.context() as killed:
        killed.setattr(proof.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            proof.write(path, b"new")
    assert path.read_bytes() == b"old"
    proof.write(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
