"""The lines of a ledger prove that nobody changed, removed or moved one."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from study.ledger.errors import LedgerError
from study.ledger.events import Ended, Resumed
from study.ledger.ledger import Ledger, read
from study.ledger.study_folder import StudyFolder
from tests.study import fake, reports

OLD = Path(__file__).parent / "schema_1" / "search" / "ledger.jsonl"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger that has ended."""
    ledger = fake.ended_study(fake.plan(tmp_path))
    ledger.close()
    return ledger.path


def other_digit(line: bytes) -> bytes:
    """The line with the first digit after the comma of its objective changed."""
    return re.sub(rb'("miou":0\.)(\d)', lambda m: m[1] + b"%d" % ((int(m[2]) + 1) % 10), line)


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [*lines[:2], other_digit(lines[2]), *lines[3:]], 3),
        (lambda lines: [*lines[:6], *lines[7:]], 7),
        (swapped, 5),
        (lambda lines: [*lines[:6], lines[5], *lines[6:]], 7),
        (lambda lines: [lines[0].replace(b'"schema":2', b'"schema":1'), *lines[1:]], 1),
        (lambda lines: [lines[0].replace(b'"dirty":false', b'"dirty":true'), *lines[1:]], 1),
        (lambda lines: [*lines[:3], re.sub(rb',"chain":"\w+"', b"", lines[3]), *lines[4:]], 4),
    ],
    ids=["digit", "removed", "swapped", "twice", "schema", "plan", "without"],
)
def test_a_changed_line_is_named(
    path: Path, change: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    lines = path.read_bytes().splitlines()
    changed = change(lines)
    assert changed != lines
    path.write_bytes(b"".join(one + b"\n" for one in changed))
    with pytest.raises(LedgerError, match=rf"ledger\.jsonl:{line}: the checksum") as refused:
        StudyFolder(path.parent).load()
    assert "\n" not in str(refused.value)
    with pytest.raises(LedgerError, match="the checksum does not fit"):
        Ledger(path)


def test_no_flipped_bit_is_accepted(path: Path) -> None:
    whole = path.read_bytes()
    end = whole.rindex(b"\n")
    for bit in np.random.default_rng(0).choice(8 * end, 200, replace=False).tolist():
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(LedgerError):
            read(path)


def test_a_reopened_ledger_continues_the_chain(path: Path) -> None:
    for _ in range(2):
        ledger = Ledger(path)
        ledger.append(Resumed(continue_after={}))
        ledger.append(Ended())
        ledger.close()
    lines, tail = read(path)
    assert not tail
    assert len({str(line["chain"]) for line in lines}) == len(lines)


def test_a_ledger_without_checksums_goes_on_without_them_and_says_so(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "old-search")
    folder.path.mkdir()
    shutil.copy(OLD, folder.ledger)
    ledger = Ledger(folder.ledger)
    assert not ledger.record.has_checksums
    ledger.append(Resumed(continue_after={}))
    ledger.append(Ended())
    assert "chain" not in json.loads(folder.ledger.read_text().splitlines()[-1])
    assert Ledger(folder.ledger).record.ended
    assert "its lines carry no checksums" in reports.markdown(folder.load(), folder.path)


def test_the_report_of_a_new_ledger_says_nothing_of_checksums(path: Path) -> None:
    record = StudyFolder(path.parent).load()
    assert record.has_checksums
    assert "checksums" not in reports.markdown(record, path.parent)
