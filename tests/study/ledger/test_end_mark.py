"""Lines missing at a ledger's end are noticed; a crash between a line and its mark is not."""

import shutil
from pathlib import Path

import pytest

from study.commands import start
from study.ledger import end_mark
from study.ledger.errors import LedgerError
from study.ledger.events import Ended, Resumed
from study.ledger.ledger import Ledger, read
from study.ledger.study_folder import StudyFolder
from study.planning.request import StudyRequest
from study.reporting.sections import caveats
from tests.study import fake, reports

OLD = Path(__file__).parent / "schema_1" / "search" / "ledger.jsonl"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger that has ended."""
    ledger = fake.ended_study(fake.plan(tmp_path))
    ledger.close()
    return ledger.path


def refused(path: Path) -> str:
    """The line with which a ledger is refused, however it is read."""
    with pytest.raises(LedgerError) as by_writer:
        Ledger(path)
    with pytest.raises(LedgerError) as by_reader:
        StudyFolder(path.parent).load()
    with pytest.raises(LedgerError):
        start.resumed(StudyRequest(resume="fake", storage=path.parents[1]))
    assert str(by_writer.value) == str(by_reader.value)
    assert "\n" not in str(by_reader.value)
    return str(by_reader.value)


@pytest.mark.parametrize("lost", [1, 5, 30])
def test_lines_cut_off_the_end_are_counted(path: Path, lost: int) -> None:
    """A study that had ended was an interrupted one, or had fewer trials, without a word."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-lost]))
    line = refused(path)
    assert f"{len(lines)} lines were written and {len(lines) - lost} are there" in line
    assert str(path.with_name("ledger.end")) in line
    path.with_name("ledger.end").unlink()  # what the line says
    assert len(Ledger(path).record.trials) <= 8


def test_the_end_of_the_last_line_counts_as_cut_off(path: Path) -> None:
    """It was moved aside as the unfinished line of a crash."""
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert "its end is missing" in refused(path)
    assert path.read_bytes() == content[:-1]


def test_an_empty_or_missing_ledger_is_no_new_study(path: Path) -> None:
    folder = StudyFolder(path.parent)
    path.write_bytes(b"")
    assert "and 0 are there" in refused(path)
    for _ in range(2):
        with pytest.raises(LedgerError, match="its end is missing"):
            folder.require_new()
        path.unlink(missing_ok=True)
    with pytest.raises(LedgerError, match="its end is missing"):
        Ledger(path)


def test_a_ledger_ahead_of_its_mark_is_in_order(path: Path) -> None:
    """A kill between the two: the line is on the disk, its mark is not."""
    mark = path.with_name("ledger.end")
    before = mark.read_bytes()
    again = Ledger(path)
    again.append(Resumed(continue_after={}))
    again.append(Ended())
    again.close()
    assert len(mark.read_bytes()) == len(before)
    mark.write_bytes(before)
    Ledger(path).append(Resumed(continue_after={}))
    assert end_mark.read(path) == end_mark.End(len(read(path)[0]), str(read(path)[0][-1]["chain"]))


def test_another_ledger_of_the_same_length_is_refused(path: Path, tmp_path: Path) -> None:
    other = fake.ended_study(fake.plan(tmp_path / "other")).path
    shutil.copy(other, path)
    assert "another ledger is in its place" in refused(path)


def test_no_flipped_bit_of_a_mark_is_accepted(path: Path) -> None:
    mark = path.with_name("ledger.end")
    whole = mark.read_bytes()
    for bit in range(8 * len(whole)):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        mark.write_bytes(content)
        with pytest.raises(LedgerError, match=r"ledger\.end: damaged; delete it"):
            read(path)


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "empty"])
def test_a_ledger_without_a_mark_says_so_and_gets_one(path: Path, content: bytes | None) -> None:
    """Older versions wrote none; a machine that loses its power may leave an empty one."""
    mark, folder = path.with_name("ledger.end"), StudyFolder(path.parent)
    assert "no mark of its end" not in reports.markdown(folder.load(), folder.path)
    mark.unlink()
    if content is not None:
        mark.write_bytes(content)
    record = folder.load()
    assert "no mark of its end" in caveats.unproved(record, folder)
    assert "no mark of its end" in reports.markdown(record, folder.path)
    ledger = Ledger(path)
    ledger.append(Resumed(continue_after={}))
    assert caveats.unproved(ledger.record, folder) == ""


def test_an_old_ledger_that_goes_on_has_its_lines_counted(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "old-search")
    folder.path.mkdir()
    shutil.copy(OLD, folder.ledger)
    Ledger(folder.ledger).append(Resumed(continue_after={}))
    folder.ledger.write_bytes(OLD.read_bytes())
    with pytest.raises(LedgerError, match="its end is missing"):
        folder.load()
