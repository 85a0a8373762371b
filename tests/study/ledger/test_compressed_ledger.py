"""A study may be archived as its compressed ledger alone: it is read as before, never continued."""

import gzip
from pathlib import Path

import pytest

from study.commands import report
from study.ledger.errors import LedgerError
from study.ledger.ledger import Ledger
from study.ledger.study_folder import StudyFolder, studies
from tests.study import fake


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    ledger = fake.ended_study(fake.plan(tmp_path))
    ledger.close()
    return ledger.path


@pytest.fixture
def compressed(plain: Path) -> Path:
    path = plain.with_name("ledger.jsonl.gz")
    path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()
    return path


def test_it_reads_as_it_did(tmp_path: Path, plain: Path) -> None:
    before = StudyFolder(plain.parent).load()
    path = plain.with_name("ledger.jsonl.gz")
    path.write_bytes(gzip.compress(plain.read_bytes()))
    assert StudyFolder(plain.parent).ledger == plain  # the one that a study appends to
    plain.unlink()
    folder = StudyFolder(plain.parent)
    assert folder.ledger == path
    assert [found.name for found in studies(folder.storage)] == [folder.name]
    assert folder.load() == before


def test_a_report_is_written_from_it(compressed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = compressed.parents[1]
    assert report.main(["fake", "--storage", str(storage)]) == 0
    assert capsys.readouterr().out.strip() == str(compressed.parent / "report" / "report.md")


def test_it_is_not_continued(compressed: Path) -> None:
    content = compressed.read_bytes()
    with pytest.raises(LedgerError, match=r"is compressed; to continue the study: gunzip .*\.gz"):
        Ledger(compressed)
    with pytest.raises(ValueError, match="must be new in this storage"):
        StudyFolder(compressed.parent).require_new()
    assert compressed.read_bytes() == content


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_damage_is_one_line(compressed: Path, share: float) -> None:
    content = bytearray(compressed.read_bytes())
    place = min(int(share * len(content)), len(content) - 1)
    content[place] ^= 0x10
    compressed.write_bytes(content)
    with pytest.raises(LedgerError) as found:
        StudyFolder(compressed.parent).load()
    assert str(compressed) in str(found.value)
    assert "\n" not in str(found.value)


def test_a_missing_end_is_noticed(compressed: Path) -> None:
    lines = gzip.decompress(compressed.read_bytes()).splitlines(keepends=True)
    compressed.write_bytes(gzip.compress(b"".join(lines[:-2])))
    with pytest.raises(LedgerError, match="its end is missing"):
        StudyFolder(compressed.parent).load()
    compressed.write_bytes(compressed.read_bytes()[:-40])
    with pytest.raises(LedgerError, match="cannot be decompressed"):
        StudyFolder(compressed.parent).load()
